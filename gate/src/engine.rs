//! The decision engine: from a request to a ruling, and from its end to what is learnt of it.
//!
//! Every door drives the same engine: the proxy, and whatever else asks for decisions. A door hands
//! over an [`Ask`] when a request arrives, carries out the [`Ruling`], and hands over an [`End`]
//! when the request has ended. It decides nothing itself.
//!
//! ```text
//! Ask ─► identity ─► event ─► detector ─► ruling by the mode in force ─► door
//!                                 ▲            │ event log, metrics
//! End ─► token of a request that reached the shop
//! ```
//!
//! The clock is read once when a request arrives, once when it ends, and once more on the requests
//! whose decision time is measured. Everything below takes time as an argument.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use detector::{Event, Exempt, Judge, Mode, Request, Settings, Stats, Timestamp, Token, Tracker};

use crate::challenge::challenger::Challenger;
use crate::clock::{Clock, Moment};
use crate::clock_watch::{ClockGap, ClockWatch};
use crate::config::Config;
use crate::decision::{DecisionId, DecisionIds, secret};
use crate::drift_watch::DriftWatch;
use crate::enforce::{Ruling, rule};
use crate::headers::RequestHeaders;
use crate::identity::Caller;
use crate::in_force::InForce;
use crate::judge::{JudgeError, judge, refuse_unarmed};
use crate::metrics::{Metrics, PendingConversion, StandingLabel};
use crate::peers::Via;
use crate::record::{OutcomeRecord, Recorder, Texts};
use crate::silent_proxies::{Silent, SilentProxies};
use crate::undeclared::{Undeclared, UndeclaredProxies};

/// The longest target that is judged and logged, in bytes, as nginx's and Apache's defaults for a
/// request line. What is longer is cut, so that it bounds what the event log's queue can hold.
pub const TARGET_BYTES_MAX: usize = 8 << 10;
/// Two clock reads and a histogram cost 80 ns: a tenth of the detector's budget on every request,
/// nothing on one in 16.
const SAMPLED_ONE_IN: u64 = 16;
/// Proxies that are not as they should be are warned of so often, in seconds.
const WARN_EVERY_S: u64 = 60;

/// A request as a door knows it when it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The other end of the connection; `None` where it has no IP address, as on a unix socket.
    pub peer: Option<IpAddr>,
    /// `GET`, `POST`, …; upper case as on the wire.
    pub method: &'a str,
    /// Path and query, or absolute form; bytes as on the wire.
    pub target: &'a [u8],
    /// What the gate reads of its headers.
    pub headers: &'a RequestHeaders<'a>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// The HTTP status with which the shop answered; 0 when it did not answer. What the door
    /// answers in its place (502 to a shop that is down, 413 to a body that grows too large) says
    /// nothing about the client.
    pub status: u16,
    /// Bytes of the body sent.
    pub bytes: u64,
}

/// A request that was decided, until it ends.
#[derive(Debug)]
pub struct InFlight {
    /// The decision's name, to be shown to who is refused.
    pub id: DecisionId,
    /// Who asked, and through whom.
    pub caller: Caller,
    /// The mode that it was decided in.
    pub(crate) mode: Mode,
    arrived: Moment,
    standing: StandingLabel,
    token: Option<Token>,
    conversion: Option<PendingConversion>,
}

/// Decides about live requests and remembers how they ended.
pub struct Engine {
    pub(crate) tracker: Tracker,
    pub(crate) in_force: ArcSwap<InForce>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) config: parking_lot::Mutex<Config>,
    pub(crate) recorder: Option<Recorder>,
    /// `None` where challenges are off.
    pub(crate) challenger: Option<Challenger>,
    clock: Clock,
    pub(crate) undeclared: UndeclaredProxies,
    pub(crate) silent: SilentProxies,
    ids: DecisionIds,
    decisions: AtomicU64,
    watch: parking_lot::Mutex<Watch>,
}

/// What the timer keeps.
struct Watch {
    drift: DriftWatch,
    clock: ClockWatch,
    warned: Option<Moment>,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The model or policy.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The event log.
    #[error(
        "cannot write the event log {path}: {problem}. Its folder must exist and belong to the \
         gate's user."
    )]
    EventLog {
        /// Which file.
        path: String,
        /// What the system said.
        problem: std::io::Error,
    },
}

/// How an engine is, for `/healthz`.
#[derive(Clone, Debug)]
pub struct Health {
    /// Shadow or enforce.
    pub mode: Mode,
    /// The model's name.
    pub model: Option<String>,
    /// Proxies that nobody has declared, if there are any.
    pub undeclared: Option<Undeclared>,
    /// How far the wall clock is from the time of events, if it is far.
    pub clock_gap: Option<ClockGap>,
    /// Trusted proxies that do not say whose requests they forward, if there are any.
    pub silent: Option<Silent>,
}

impl Health {
    /// What is wrong with the proxies in front, and what to write.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let undeclared = self.undeclared.as_ref().map(ToString::to_string);
        undeclared.into_iter().chain(self.silent.as_ref().map(ToString::to_string))
    }
}

impl Engine {
    /// An engine with the machine's clocks.
    ///
    /// # Errors
    /// What is wrong with the model or the event log, and what to do about it.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Clock::default())
    }

    /// An engine with a clock of the caller's.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_with(config: Config, clock: Clock) -> Result<Self, StartError> {
        let judge = judge(&config)?;
        refuse_unarmed(&config, judge.model.as_ref())?;
        let metrics = Arc::new(Metrics::new());
        let recorder = match config.event_log() {
            None => None,
            Some(log) => {
                let opened = Recorder::start(log, &metrics);
                Some(opened.map_err(|problem| {
                    let path = log.path.display().to_string();
                    StartError::EventLog { path, problem }
                })?)
            }
        };
        // Once everything is sound: an error stands alone.
        for warning in config.warnings_with(judge.model.as_ref()) {
            tracing::warn!("{warning}");
        }
        let now = clock.now();
        Ok(Self {
            tracker: Tracker::new(Settings { capacity: config.capacity(), hash_key: secret() }),
            in_force: ArcSwap::from_pointee(InForce::announced(&config, judge, &metrics)),
            challenger: config.challenge().map(Challenger::new),
            config: parking_lot::Mutex::new(config),
            metrics,
            recorder,
            clock,
            undeclared: UndeclaredProxies::default(),
            silent: SilentProxies::default(),
            ids: DecisionIds::new(),
            decisions: AtomicU64::new(0),
            watch: parking_lot::Mutex::new(Watch {
                drift: DriftWatch::new(now),
                clock: ClockWatch::default(),
                warned: None,
            }),
        })
    }

    /// Works out who is asking, judges the request, counts and records it.
    pub fn decide(&self, ask: &Ask<'_>) -> (InFlight, Ruling) {
        self.decide_under(&self.in_force.load(), ask)
    }

    /// Decides under one configuration: judge, mode and trust are loaded once a request.
    pub(crate) fn decide_under(&self, in_force: &InForce, ask: &Ask<'_>) -> (InFlight, Ruling) {
        let arrived = self.clock.now();
        let number = self.decisions.fetch_add(1, Ordering::Relaxed);
        let is_sampled = number.is_multiple_of(SAMPLED_ONE_IN);
        let caller =
            Caller::identify(ask.peer, ask.headers.forwarded_for(), &in_force.trusted_proxies);
        let target = ask.target.get(..TARGET_BYTES_MAX).unwrap_or(ask.target);
        let target = String::from_utf8_lossy(target);
        let mut event = self.tracker.event(
            &in_force.judge,
            &Request {
                client: caller.key(),
                at: arrived.at,
                method: ask.method,
                target: &target,
                fetch_dest: ask.headers.fetch_dest.and_then(|value| str::from_utf8(value).ok()),
                agent: ask.headers.user_agent,
                recorded: None,
                is_proxys: caller.is_proxys,
            },
        );
        self.watch_proxies(&caller, ask, is_sampled, &mut event);
        let observed = self.tracker.observe(&in_force.judge, in_force.mode, &event, &|| true);
        let ruling = rule(in_force.mode, observed.verdict);
        if is_sampled {
            self.metrics.decision_took(self.clock.now().since(arrived));
        }
        self.metrics.decided(&ruling);
        let id = self.ids.draw();
        if let Some(recorder) = &self.recorder {
            let (user_agent, referer) = (ask.headers.user_agent, ask.headers.referer);
            let texts = Texts { method: ask.method, target: &target, user_agent, referer };
            recorder.request(&ruling, &event, id, texts);
        }
        let in_flight = InFlight {
            id,
            caller,
            mode: in_force.mode,
            arrived,
            standing: StandingLabel::of(&ruling),
            token: observed.token,
            conversion: in_force.conversions.asked(ask.method, &target),
        };
        (in_flight, ruling)
    }

    /// Takes in how a request ended.
    ///
    /// The judge is the newest, not the one that decided the request: it says at which resolution
    /// and with which site profile the client's window is kept from now on. A download of hours
    /// would also keep an old model in memory.
    pub fn conclude(&self, in_flight: InFlight, end: End) {
        let InFlight { id, arrived, standing, token, conversion, .. } = in_flight;
        if let Some(conversion) = conversion {
            conversion.end(end.status, standing);
        }
        let Some(token) = token else { return };
        let ended = self.clock.now();
        let (client, agent, target) = (token.client(), token.agent(), token.target());
        let judge = &self.in_force.load().judge;
        let mark = self.tracker.conclude(judge, token, ended.at, end.status);
        if let (Some(mark), Some(recorder)) = (mark, &self.recorder) {
            let duration = ended.since(arrived);
            recorder.outcome(OutcomeRecord {
                client,
                agent,
                target,
                id,
                mark,
                status: end.status,
                bytes: end.bytes,
                duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            });
        }
    }

    /// Counts what trusted proxies name and who else may be a proxy. Nobody is judged by the
    /// request of a peer that is taken for one.
    fn watch_proxies(&self, caller: &Caller, ask: &Ask<'_>, is_sampled: bool, event: &mut Event) {
        let peer = match caller.peer {
            Some(peer) if !caller.peer_trusted => peer,
            peer => {
                self.silent.note(peer, caller.names_client, ask.target);
                if !caller.names_client {
                    self.metrics.silent_proxy();
                } else if is_sampled {
                    self.undeclared.note_declared();
                }
                return;
            }
        };
        let via = ask.headers.via(ask.target);
        // What the operator lets pass, a monitor for instance, is no visitor who comes directly.
        if event.exempt.is_some() && matches!(via, Via::Direct(_)) {
            return;
        }
        if self.undeclared.note(peer, via) && event.exempt.is_none() {
            event.exempt = Some(Exempt::Proxy);
            self.metrics.undeclared_proxy();
        }
    }

    /// Whether verdicts are carried out.
    pub fn mode(&self) -> Mode {
        self.in_force.load().mode
    }

    /// Model, policy and allow list in force.
    pub fn judge(&self) -> Judge {
        self.in_force.load().judge.clone()
    }

    /// Who is tracked, and what is remembered of them.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Every metric of this engine and its door.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The time of events.
    pub fn now(&self) -> Timestamp {
        self.clock.now().at
    }

    /// How it is doing.
    pub fn stats(&self) -> Stats {
        self.tracker.stats(self.now())
    }

    /// The text Prometheus scrapes.
    pub fn metrics_text(&self) -> String {
        self.metrics.render(&self.stats(), self.in_force.load().mode)
    }

    /// What `/healthz` says.
    pub fn health(&self) -> Health {
        let in_force = self.in_force.load();
        Health {
            mode: in_force.mode,
            model: in_force.judge.model.as_ref().map(|model| model.file().name.clone()),
            undeclared: self.undeclared.report(&in_force.trusted_proxies),
            silent: self.silent.report(),
            clock_gap: ClockGap::far(self.clock.behind_wall_us()),
        }
    }

    /// The background work: to be called about once a second by the door's timer.
    pub fn tick(&self) {
        let behind_us = self.clock.tick();
        self.metrics.clock_behind(behind_us);
        let now = self.clock.now();
        let in_force = self.in_force.load();
        self.tracker.sweep(&in_force.judge, now.at);
        self.metrics.upkeep();
        self.undeclared.tick(now.at);
        self.silent.tick(now.at);
        let mut watch = self.watch.lock();
        if let Some(gap) = watch.clock.look(behind_us, now) {
            tracing::warn!("{gap}");
        }
        watch.drift.look(now, &self.tracker, &in_force.judge, &self.metrics);
        let health = self.health();
        let mut warnings = health.warnings().peekable();
        if warnings.peek().is_none() {
            watch.warned = None;
        } else if watch.warned.is_none_or(|at| now.since(at).as_secs() >= WARN_EVERY_S) {
            warnings.for_each(|warning| tracing::warn!("{warning}"));
            watch.warned = Some(now);
        }
    }

    /// Waits until every line recorded so far is in the event log's file.
    pub fn flush_event_log(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.flush();
        }
    }

    /// Writes out the event log and ends its thread. To be called when no request is under way.
    pub fn stop(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.stop();
        }
    }
}
