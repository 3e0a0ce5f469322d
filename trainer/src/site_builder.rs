//! Makes a [`Site`] of log records, within a limit of memory.

use std::collections::{HashMap, TryReserveError};

use detector::{AllowList, Class, ClientKey, Event, Reason, UrlHasher};
use traffic::log::{Record, RecordKind};
use traffic::replay::{self, TrafficWriter};

use crate::content_type::ContentKind;
use crate::evidence::{Agents, Evidence, Norms};
use crate::label::{Label, Labelled, Labels};
use crate::memory_limit::{
    ALLOCATION_BYTES, MEMORY_MAX_BYTES, TooMuchTraffic, map_bytes, vec_bytes,
};
use crate::site::{Client, OFFLINE_HASH_KEY, Site, Step};
use crate::targets::{NONE, Targets};

/// What the reason of a client's label takes at most, where a rule gives it.
const REASON_BYTES: u64 = 64;

/// Turns records into a [`Site`]: call [`SiteBuilder::note`] with every record in file order, then
/// [`SiteBuilder::finish`].
pub struct SiteBuilder {
    steps: TrafficWriter<Step>,
    hasher: UrlHasher,
    allow: AllowList,
    agents: Agents,
    index: HashMap<ClientKey, u32>,
    clients: Vec<Client>,
    /// Bytes of the clients' names and of the reasons that they will be labelled with.
    text_bytes: u64,
    evidence: Vec<Evidence>,
    targets: Targets,
    memory_max_bytes: u64,
}

impl Default for SiteBuilder {
    fn default() -> Self {
        Self::with_memory_max(MEMORY_MAX_BYTES)
    }
}

impl SiteBuilder {
    /// A builder that holds at most so many bytes of memory.
    pub fn with_memory_max(bytes: u64) -> Self {
        Self {
            steps: TrafficWriter::default(),
            hasher: UrlHasher::new(OFFLINE_HASH_KEY),
            allow: AllowList::default(),
            agents: Agents::default(),
            index: HashMap::new(),
            clients: Vec::new(),
            text_bytes: 0,
            evidence: Vec::new(),
            targets: Targets::default(),
            memory_max_bytes: bytes,
        }
    }

    /// Reduces a record and notes what the labelling rules need. Requests that a gate lets pass
    /// unjudged are left out, because the gate does not remember them either.
    ///
    /// # Errors
    /// [`TooMuchTraffic`] when one more request might take more memory than allowed. Reading should
    /// end then.
    pub fn note(&mut self, record: &Record<'_>) -> Result<(), TooMuchTraffic> {
        let bytes = self.bytes() + texts_bytes(record);
        if bytes > self.memory_max_bytes {
            return Err(self.too_much(bytes, Some(self.memory_max_bytes)));
        }
        self.try_note(record).map_err(|_| self.too_much(bytes, None))
    }

    fn try_note(&mut self, record: &Record<'_>) -> Result<(), TryReserveError> {
        let line = replay::LogStep::reduced(record, |request| {
            Event::new(request, &self.hasher, &self.allow, None)
        });
        let was_exempt =
            record.decision.is_some_and(|decision| decision.reason == Reason::AllowList.as_str());
        if let Some(challenge) = record.challenge {
            let client = self.client(record)?;
            self.evidence[client as usize].challenge(challenge);
            return Ok(());
        }
        // A ban that an operator made says nothing of what the client does.
        if was_exempt || line.event.exempt.is_some() || record.kind == RecordKind::Ban {
            return Ok(());
        }
        let client = self.client(record)?;
        let known = &mut self.clients[client as usize];
        known.first_at = known.first_at.min(record.at);
        let (mut target, mut referer) = (NONE, NONE);
        if record.kind.is_request() {
            known.pages += u32::from(line.event.class == Class::Page);
            self.evidence[client as usize].note(record, line.event.class, &mut self.agents);
            target = self.targets.intern(record.target)?;
            // An error page is HTML, whatever was asked for.
            let kind = record.content_type.filter(|_| (200..300).contains(&record.status));
            if let Some(kind) = kind.and_then(ContentKind::of) {
                self.targets.note_answer(target, kind)?;
            }
            referer = record
                .referer
                .and_then(|text| self.targets.referred(text, record.host))
                .unwrap_or(NONE);
        }
        self.steps.push(Step { line, client, seq: record.seq, target, referer })
    }

    /// The index of the record's client, a new one if need be.
    fn client(&mut self, record: &Record<'_>) -> Result<u32, TryReserveError> {
        let key = record.client_key();
        if let Some(&client) = self.index.get(&key) {
            return Ok(client);
        }
        self.index.try_reserve(1)?;
        self.clients.try_reserve(1)?;
        self.evidence.try_reserve(1)?;
        let client = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        self.text_bytes += record.client.len() as u64 + REASON_BYTES + 2 * ALLOCATION_BYTES;
        self.clients.push(Client {
            key,
            name: record.client.to_owned(),
            labelled: Labelled { label: Label::Unknown, why: String::new() },
            first_at: record.at,
            pages: 0,
        });
        self.evidence.push(Evidence::default());
        self.index.insert(key, client);
        Ok(client)
    }

    /// Requests and ends of requests noted so far.
    pub fn len(&self) -> u64 {
        self.steps.len()
    }

    /// Was nothing noted?
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Bytes of memory that noting one more record and finishing may hold, besides the record's own
    /// texts.
    fn bytes(&self) -> u64 {
        let index = map_bytes::<(ClientKey, u32)>(self.index.len(), self.index.capacity());
        self.steps.bytes()
            + self.targets.bytes()
            + self.agents.bytes()
            + self.text_bytes
            + index
            + vec_bytes(&self.clients)
            + vec_bytes(&self.evidence)
    }

    fn too_much(&self, bytes: u64, bytes_max: Option<u64>) -> TooMuchTraffic {
        TooMuchTraffic { requests: self.len(), bytes, bytes_max }
    }

    /// The site in order of time. Its clients are labelled from the file where one is given (whom
    /// it does not name is unknown), otherwise by the rules.
    ///
    /// # Errors
    /// [`TooMuchTraffic`] when there is no memory to put the steps in order.
    pub fn finish(
        mut self,
        name: &str,
        resolution_us: u32,
        labels: Option<&Labels>,
    ) -> Result<Site, TooMuchTraffic> {
        let failed = self.too_much(self.bytes(), None);
        let traffic = std::mem::take(&mut self.steps).finish().map_err(|_| failed)?;
        let mut clients = self.clients;
        let norms = Norms::of(self.evidence.iter());
        for (client, evidence) in clients.iter_mut().zip(&self.evidence) {
            client.labelled = match labels {
                Some(labels) => labels.find(client.key).cloned().unwrap_or(Labelled {
                    label: Label::Unknown,
                    why: "not in the labels file".to_owned(),
                }),
                None => evidence.label(&norms),
            };
        }
        Ok(Site::new(name, traffic, clients, self.targets, resolution_us))
    }
}

/// What the texts of a record may take: as a target, as a name and as a user agent, and while the
/// target is put together.
fn texts_bytes(record: &Record<'_>) -> u64 {
    let agent = record.user_agent.map_or(0, str::len);
    let referer = record.referer.map_or(0, str::len);
    (3 * record.target.len() + 2 * referer + record.client.len() + 2 * agent) as u64
}

const _: () = assert!(size_of::<Step>() <= 72);

#[cfg(test)]
mod tests {
    use traffic::log::LogReader;

    use super::*;

    /// The event log of a gate whose visitors load no assets, send no referers and buy nothing.
    #[test]
    fn people_of_a_young_shop_are_those_who_passed_a_challenge() {
        let mut log = String::new();
        for client in 1..=40 {
            for page in 1..=6 {
                let at = client * 1_000_000_000 + page * 5_000_000;
                log += &format!(
                    "{{\"v\":1,\"type\":\"request\",\"at\":{at},\"seq\":{page},\"client\":\
                     \"192.0.2.{client}\",\"method\":\"GET\",\"url\":\"/p/{page}\",\"key\":{page},\
                     \"class\":\"page\",\"agent\":7,\"id\":\"{client}-{page}\",\"mode\":\
                     \"enforce\",\"action\":\"allow\",\"reason\":\"limited\",\"score\":0.9,\
                     \"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 \
                     Firefox/144.0\"}}\n"
                );
            }
            let (result, until) = match client % 4 {
                0 => ("issued", ""),
                1 => ("early", ""),
                _ => ("passed", "\"until\":99000000000,"),
            };
            let at = client * 1_000_000_000 + 30_000_000;
            log += &format!(
                "{{\"v\":1,\"type\":\"challenge\",\"at\":{at},\"seq\":6,\"client\":\
                 \"192.0.2.{client}\",\"result\":\"{result}\",{until}\"challenged_at\":{at}}}\n"
            );
        }
        let mut reader = LogReader::new("events.jsonl", log.as_bytes()).unwrap();
        let mut builder = SiteBuilder::default();
        while let Some(record) = reader.next().unwrap() {
            builder.note(&record).unwrap();
        }
        let site = builder.finish("shop", 1_000, None).unwrap();
        let people = site.clients.iter().filter(|client| client.labelled.label == Label::Human);
        assert_eq!((site.clients.len(), people.count()), (40, 20));
    }
}
