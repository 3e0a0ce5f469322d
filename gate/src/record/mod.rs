//! The event log: what was decided and how it ended, handed to one thread that writes it.
//!
//! A worker only copies: one allocation for the texts, one `try_send` into a bounded queue. When
//! the queue is full the line is dropped and counted, never waited for: shoppers come before
//! bookkeeping. The thread formats and writes ([`writer`]), flushes whenever it has caught up, and
//! writes out everything that is queued before it ends.

mod writer;

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use detector::{
    AgentKey, BanMark, ClientKey, Concluded, Event, Mode, Target, Timestamp, UrlKey, Verdict,
};
use metrics::Counter;
use traffic::log::ChallengeResult;

use crate::config::EventLogConfig;
use crate::decision::DecisionId;
use crate::enforce::Ruling;
use crate::metrics::Metrics;

/// Of a user agent or referer this much is kept: the longest that browsers send is half of it.
const TEXT_BYTES_MAX: usize = 512;
/// How long lines gather. A worker that hands over a line to a sleeping thread wakes nobody, which
/// costs it more than the line itself: a wake-up and a write for each line doubled the gate's CPU
/// time per request. The default queue holds this much of 800,000 lines a second.
const GATHER: Duration = Duration::from_millis(10);
/// Standard methods have at most 17 letters (`UPDATEREDIRECTREF`); whatever is longer is nobody's
/// method.
const METHOD_BYTES_MAX: usize = 32;

/// The workers' end of the event log.
pub(crate) struct Recorder {
    queue: SyncSender<Message>,
    thread: parking_lot::Mutex<Option<JoinHandle<()>>>,
    dropped: Counter,
}

/// What the texts of a request are, borrowed from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) user_agent: Option<&'a [u8]>,
    pub(crate) referer: Option<&'a [u8]>,
}

enum Message {
    Request(RequestRecord),
    Outcome(OutcomeRecord),
    Ban(BanRecord),
    Challenge(ChallengeRecord),
    /// Write out what came before, then answer.
    Flush(Sender<()>),
    /// Write out what came before, then end.
    Stop,
}

struct RequestRecord {
    client: ClientKey,
    id: DecisionId,
    mode: Mode,
    verdict: Verdict,
    url: UrlKey,
    class: detector::Class,
    agent: AgentKey,
    texts: OwnedTexts,
}

/// How a request ended, as it goes into the log.
pub(crate) struct OutcomeRecord {
    pub(crate) client: ClientKey,
    pub(crate) agent: AgentKey,
    pub(crate) target: Target,
    pub(crate) id: DecisionId,
    pub(crate) mark: Concluded,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) duration_us: u64,
}

/// A ban that somebody imposed or lifted, as it goes into the log.
pub(crate) struct BanRecord {
    pub(crate) client: ClientKey,
    /// After which of the client's events.
    pub(crate) mark: BanMark,
    /// Until when it was imposed; `None` if it was lifted.
    pub(crate) until: Option<Timestamp>,
    pub(crate) changed_at: Timestamp,
}

/// What came of a challenge, as it goes into the log.
pub(crate) struct ChallengeRecord {
    pub(crate) client: ClientKey,
    /// After which of the client's events.
    pub(crate) mark: BanMark,
    pub(crate) result: ChallengeResult,
    /// Until when it counts; `None` if it was not passed.
    pub(crate) until: Option<Timestamp>,
    pub(crate) challenged_at: Timestamp,
}

/// Four texts in one allocation.
struct OwnedTexts {
    text: String,
    method_end: u32,
    target_end: u32,
    user_agent_end: u32,
    has_user_agent: bool,
    has_referer: bool,
}

impl Recorder {
    /// Opens the file and starts the thread.
    ///
    /// # Errors
    /// When the file cannot be opened: before anything starts is the time to say so.
    pub(crate) fn start(config: &EventLogConfig, metrics: &Metrics) -> io::Result<Self> {
        let (dropped, errors) = (metrics.log_dropped.clone(), metrics.log_errors.clone());
        let file = writer::RotatingFile::open(&config.path, config.bytes_max, config.files_max)?;
        let (queue, receiver) = sync_channel(config.queue);
        let lost = dropped.clone();
        let thread = std::thread::Builder::new()
            .name("kidoban-events".to_owned())
            .spawn(move || run(&receiver, &mut writer::Writer::new(file, errors, lost)))?;
        Ok(Self { queue, thread: parking_lot::Mutex::new(Some(thread)), dropped })
    }

    pub(crate) fn request(&self, ruling: &Ruling, event: &Event, id: DecisionId, texts: Texts<'_>) {
        self.send(Message::Request(RequestRecord {
            client: event.client,
            id,
            mode: ruling.mode(),
            verdict: *ruling.verdict(),
            url: event.url,
            class: event.prior(),
            agent: event.agent,
            texts: OwnedTexts::copy(texts),
        }));
    }

    pub(crate) fn outcome(&self, outcome: OutcomeRecord) {
        self.send(Message::Outcome(outcome));
    }

    pub(crate) fn ban(&self, ban: BanRecord) {
        self.send(Message::Ban(ban));
    }

    pub(crate) fn challenge(&self, challenge: ChallengeRecord) {
        self.send(Message::Challenge(challenge));
    }

    /// Waits until everything sent so far is in the file.
    pub(crate) fn flush(&self) {
        let (done, wait) = channel();
        if self.queue.send(Message::Flush(done)).is_ok() {
            // An error means the thread has ended, and it writes out everything before it does.
            let _ = wait.recv();
        }
    }

    /// Writes out everything sent so far and ends the thread.
    pub(crate) fn stop(&self) {
        if let Some(thread) = self.thread.lock().take() {
            let _ = self.queue.send(Message::Stop);
            if thread.join().is_err() {
                tracing::error!("the event log's writer panicked");
            }
        }
    }

    fn send(&self, message: Message) {
        match self.queue.try_send(message) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.dropped.increment(1),
        }
    }
}

/// Waits for a line, lets more gather, writes them together, and so on until it is told to stop.
fn run(queue: &Receiver<Message>, writer: &mut writer::Writer) {
    while let Ok(first) = queue.recv() {
        if !matches!(first, Message::Flush(_) | Message::Stop) {
            std::thread::sleep(GATHER);
        }
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Request(record) => writer.line(|line| record.write_to(line)),
                Message::Outcome(record) => writer.line(|line| record.write_to(line)),
                Message::Ban(record) => writer.line(|line| record.write_to(line)),
                Message::Challenge(record) => writer.line(|line| record.write_to(line)),
                Message::Flush(done) => {
                    writer.flush();
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
                Message::Stop => return writer.flush(),
            }
            next = queue.try_recv().ok();
        }
        // Caught up: what is written can be read while the gate idles.
        writer.flush();
    }
}

impl RequestRecord {
    fn write_to(&self, line: &mut Vec<u8>) {
        let line_of = traffic::log::RequestLine {
            at: self.verdict.at,
            seq: self.verdict.seq,
            client: self.client.to_string().into(),
            method: self.texts.method().into(),
            url: self.texts.target().into(),
            key: self.url,
            class: self.class,
            agent: Some(self.agent),
            id: self.id.to_string().into(),
            mode: self.mode.as_str().into(),
            action: self.verdict.action.as_str().into(),
            reason: self.verdict.reason.as_str().into(),
            score: self.verdict.score.map(detector::Score::value),
            user_agent: self.texts.user_agent().map(Into::into),
            referer: self.texts.referer().map(Into::into),
        };
        line_of.write_to(line);
    }
}

impl OutcomeRecord {
    fn write_to(&self, line: &mut Vec<u8>) {
        let line_of = traffic::log::OutcomeLine {
            at: self.mark.at,
            seq: self.mark.seq,
            client: self.client.to_string().into(),
            status: self.status,
            agent: self.agent,
            write: self.target.write(),
            probe: self.target.probe(),
            log_in: self.target.is_log_in(),
            bytes: self.bytes,
            duration_us: self.duration_us,
            id: self.id.to_string().into(),
        };
        line_of.write_to(line);
    }
}

impl BanRecord {
    fn write_to(&self, line: &mut Vec<u8>) {
        let change = match self.until {
            Some(_) => traffic::log::BanAction::Imposed,
            None => traffic::log::BanAction::Lifted,
        };
        let line_of = traffic::log::BanLine {
            at: self.mark.at,
            seq: self.mark.seq,
            client: self.client.to_string().into(),
            change,
            until: self.until,
            changed_at: self.changed_at,
        };
        line_of.write_to(line);
    }
}

impl ChallengeRecord {
    fn write_to(&self, line: &mut Vec<u8>) {
        let line_of = traffic::log::ChallengeLine {
            at: self.mark.at,
            seq: self.mark.seq,
            client: self.client.to_string().into(),
            result: self.result,
            until: self.until,
            challenged_at: self.challenged_at,
        };
        line_of.write_to(line);
    }
}

impl OwnedTexts {
    fn copy(texts: Texts<'_>) -> Self {
        let clip = |bytes: Option<&[u8]>| bytes.map_or(0, |bytes| bytes.len().min(TEXT_BYTES_MAX));
        let (user_agent, referer) = (clip(texts.user_agent), clip(texts.referer));
        let mut text =
            String::with_capacity(texts.method.len() + texts.target.len() + user_agent + referer);
        let mut end = |part: &str| {
            text.push_str(part);
            // Targets are cut at 8 KiB by the gate, the rest here: 32 bits are plenty.
            text.len() as u32
        };
        let method_end = end(&String::from_utf8_lossy(
            &texts.method.as_bytes()[..texts.method.len().min(METHOD_BYTES_MAX)],
        ));
        let target_end = end(texts.target);
        let user_agent_end =
            end(&String::from_utf8_lossy(&texts.user_agent.unwrap_or_default()[..user_agent]));
        end(&String::from_utf8_lossy(&texts.referer.unwrap_or_default()[..referer]));
        let (has_user_agent, has_referer) = (texts.user_agent.is_some(), texts.referer.is_some());
        Self { text, method_end, target_end, user_agent_end, has_user_agent, has_referer }
    }

    fn part(&self, start: u32, end: usize) -> &str {
        self.text.get(start as usize..end).unwrap_or_default()
    }

    fn method(&self) -> &str {
        self.part(0, self.method_end as usize)
    }

    fn target(&self) -> &str {
        self.part(self.method_end, self.target_end as usize)
    }

    fn user_agent(&self) -> Option<&str> {
        self.has_user_agent.then(|| self.part(self.target_end, self.user_agent_end as usize))
    }

    fn referer(&self) -> Option<&str> {
        self.has_referer.then(|| self.part(self.user_agent_end, self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_and_no_longer_than_they_may_be() {
        let long = vec![b'x'; 2000];
        let texts = Texts {
            method: "GET",
            target: "/p/1?café",
            user_agent: Some(&long),
            referer: Some(b"caf\xe9"),
        };
        let copy = OwnedTexts::copy(texts);
        assert_eq!((copy.method(), copy.target()), ("GET", "/p/1?café"));
        assert_eq!(copy.user_agent().map(str::len), Some(TEXT_BYTES_MAX));
        assert_eq!(copy.referer(), Some("caf\u{fffd}"));

        let none = OwnedTexts::copy(Texts { user_agent: None, referer: None, ..texts });
        assert_eq!((none.user_agent(), none.referer()), (None, None));
        let empty = OwnedTexts::copy(Texts { user_agent: Some(b""), referer: None, ..texts });
        assert_eq!((empty.user_agent(), empty.referer()), (Some(""), None));
    }
}
