//! One site's traffic in memory: who asked for what, in order, and what is known of them.
//!
//! A request takes 72 bytes, and each distinct target its text once, so that ten million lines take
//! 720 megabytes and the texts, and can be passed over as often as training needs without reading
//! the logs again.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use detector::url::{Shape, split};
use detector::{
    AllowList, AssetCredit, Class, ClientKey, Event, ProfilePlace, Reason, SiteProfile,
    SiteProfileError, SiteProfileFile, Timestamp, UrlHasher,
};
use traffic::log::{Record, RecordKind};
use traffic::replay;

use crate::evidence::{Agents, Evidence};
use crate::label::{Label, Labelled, Labels};
use crate::targets::{NONE, Targets};

/// The key that URLs are hashed with offline: any fixed one makes training reproducible.
pub const OFFLINE_HASH_KEY: u64 = 0x6b69_646f;

/// Parts of the clients, each measured with what the others taught.
const MEMORY_FOLDS: usize = 5;

/// One step of a site's traffic: a log line as it is driven, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is driven.
    pub line: replay::LogStep,
    /// Whose, as an index into [`Site::clients`].
    pub client: u32,
    /// The client's own count of events, which orders those of one microsecond; 0 where the log has
    /// none.
    pub seq: u32,
    /// What was asked for, as an index into [`Site::targets`]; [`NONE`] for an outcome.
    pub target: u32,
    /// The page of this site that sent the client here, as its referer says, likewise; [`NONE`]
    /// where there is none or nobody had asked for it yet.
    pub referer: u32,
}

impl Step {
    /// The request, if this step has one.
    pub fn request(&self) -> Option<&Event> {
        self.line.is_request().then_some(&self.line.event)
    }
}

impl Deref for Step {
    type Target = replay::LogStep;

    fn deref(&self) -> &replay::LogStep {
        &self.line
    }
}

impl DerefMut for Step {
    fn deref_mut(&mut self) -> &mut replay::LogStep {
        &mut self.line
    }
}

/// One client of a site.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its key.
    pub key: ClientKey,
    /// What the log's client field held when it was first seen.
    pub name: String,
    /// What is known of it, and from whom.
    pub labelled: Labelled,
    /// When it was first seen.
    pub first_at: Timestamp,
    /// Page requests in all.
    pub pages: u32,
}

/// A site's traffic in time order.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// For reports.
    pub name: String,
    /// Requests and outcomes in time order.
    pub steps: Vec<Step>,
    /// Clients in order of first appearance in the files.
    pub clients: Vec<Client>,
    /// What was asked for; shared, because a part of a site's steps refers to all of it.
    pub targets: Arc<Targets>,
    /// Time step of its log, in µs.
    pub resolution_us: u32,
    /// What is remembered of it: nothing, one memory for everybody, or one for each fold of clients
    /// ([`crate::site_profile::fold_of`]) that has not seen them, and last the one that is shipped.
    pub memories: Vec<Arc<SiteProfile>>,
    /// Clients kept apart to prove a budget: they teach no memory, and are measured with the one
    /// that is shipped, as whoever comes later is. Empty where nobody is.
    pub apart: Vec<bool>,
}

impl Site {
    /// Remembers its own people: each fifth of the clients is measured by what the others taught,
    /// as a gate measures strangers. Returns what a model of this site remembers.
    ///
    /// # Errors
    /// [`SiteProfileError`]: a mistake of the learner.
    pub fn learn(&mut self) -> Result<SiteProfileFile, SiteProfileError> {
        self.learn_without(Vec::new())
    }

    /// The same without those who are kept apart (one entry a client, or none at all).
    ///
    /// # Errors
    /// As [`Site::learn`].
    pub fn learn_without(&mut self, apart: Vec<bool>) -> Result<SiteProfileFile, SiteProfileError> {
        self.apart = apart;
        let file = crate::site_profile::learn(self, |_| true)?;
        let folds = crate::site_profile::learn_folds(self, MEMORY_FOLDS)?;
        let memory = Arc::new(SiteProfile::open(&file)?);
        self.memories = folds
            .iter()
            .map(|fold| SiteProfile::open(fold).map(Arc::new))
            .collect::<Result<_, _>>()?;
        self.memories.push(Arc::clone(&memory));
        self.remember(&memory);
        Ok(file)
    }

    /// Measures everybody with this memory.
    pub fn remember_all(&mut self, memory: Arc<SiteProfile>) {
        self.remember(&memory);
        self.memories = vec![memory];
        self.apart = Vec::new();
    }

    /// The memory that a client is measured with.
    pub fn memory_for(&self, client: usize) -> Option<&SiteProfile> {
        let memory = if self.is_apart(client) || self.memories.len() < MEMORY_FOLDS {
            self.memories.last()
        } else {
            self.memories.get(crate::site_profile::fold_of(self.clients[client].key, MEMORY_FOLDS))
        };
        memory.map(Arc::as_ref)
    }

    /// Is this client kept apart to prove a budget?
    pub fn is_apart(&self, client: usize) -> bool {
        self.apart.get(client).copied().unwrap_or(false)
    }

    /// Clients by label.
    pub fn count(&self, label: Label) -> u64 {
        self.clients.iter().filter(|client| client.labelled.label == label).count() as u64
    }

    /// Sees each request as a gate would that has this memory: page or asset as it was learnt, else
    /// as before.
    pub fn remember(&mut self, memory: &SiteProfile) {
        let places = self.places(memory);
        self.clients.iter_mut().for_each(|client| client.pages = 0);
        let mut credits = vec![AssetCredit::NEW; self.clients.len()];
        for step in &mut self.steps {
            let Some(place) = places.get(step.target as usize) else { continue };
            (step.event.page, step.event.template) = (place.page, place.template);
            let prior = step.event.prior();
            step.event.class = place.class.unwrap_or(prior);
            step.event.learnt = place.class.filter(|class| *class != prior);
            step.event.class = credits[step.client as usize].class(&step.line.event);
            // What looks like an asset was noted without a shape.
            if (step.event.class, prior) == (Class::Page, Class::Asset)
                && let Some(target) = self.targets.get(step.target)
            {
                let (path, query) = split(target);
                step.event.shape = Shape::of(path, query);
            }
            self.clients[step.client as usize].pages += u32::from(step.event.class == Class::Page);
        }
    }

    /// Where each target falls, in the order of [`Site::targets`].
    pub fn places(&self, memory: &SiteProfile) -> Vec<ProfilePlace> {
        let place = |target| {
            let (path, query) = split(target);
            memory.place(path, query)
        };
        self.targets.iter().map(place).collect()
    }
}

/// Turns records into a [`Site`]: [`SiteBuilder::note`] every record in file order, then
/// [`SiteBuilder::finish`].
pub struct SiteBuilder {
    steps: Vec<Step>,
    hasher: UrlHasher,
    allow: AllowList,
    agents: Agents,
    index: HashMap<ClientKey, u32>,
    clients: Vec<Client>,
    evidence: Vec<Evidence>,
    targets: Targets,
}

impl Default for SiteBuilder {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            hasher: UrlHasher::new(OFFLINE_HASH_KEY),
            allow: AllowList::default(),
            agents: Agents::default(),
            index: HashMap::new(),
            clients: Vec::new(),
            evidence: Vec::new(),
            targets: Targets::default(),
        }
    }
}

impl SiteBuilder {
    /// Reduces a record and notes what the labelling rules want to know. What the gate lets pass
    /// unasked it does not remember, so it is left out here as well.
    pub fn note(&mut self, record: &Record<'_>) {
        let key = record.client_key();
        let line = replay::LogStep::reduced(record, |request| {
            Event::new(request, &self.hasher, &self.allow, None)
        });
        let was_exempt =
            record.decision.is_some_and(|decision| decision.reason == Reason::AllowList.as_str());
        if was_exempt || line.event.exempt.is_some() {
            return;
        }
        let client = *self.index.entry(key).or_insert_with(|| {
            self.clients.push(Client {
                key,
                name: record.client.to_owned(),
                labelled: Labelled { label: Label::Unknown, why: String::new() },
                first_at: record.at,
                pages: 0,
            });
            self.evidence.push(Evidence::default());
            u32::try_from(self.clients.len() - 1).unwrap_or(u32::MAX)
        });
        let known = &mut self.clients[client as usize];
        known.first_at = known.first_at.min(record.at);
        if record.kind != RecordKind::Outcome {
            known.pages += u32::from(line.event.class == Class::Page);
            self.evidence[client as usize].note(record, line.event.class, &mut self.agents);
        }
        let (mut target, mut referer) = (NONE, NONE);
        if record.kind != RecordKind::Outcome {
            target = self.targets.intern(record.target);
            referer = record
                .referer
                .and_then(|text| self.targets.referred(text, record.host))
                .unwrap_or(NONE);
        }
        let seq = record.seq;
        self.steps.push(Step { line, client, seq, target, referer });
    }

    /// The site in time order, labelled: from the file where one is given (whom it does not name is
    /// unknown), else by the rules.
    pub fn finish(self, name: &str, resolution_us: u32, labels: Option<&Labels>) -> Site {
        let (mut steps, targets) = (self.steps, Arc::new(self.targets));
        // Stable: lines of one second stay in the order of the log. Nearly sorted already, so
        // nearly free.
        steps.sort_by_key(|step| (step.event.at, step.seq));
        let mut clients = self.clients;
        for (client, evidence) in clients.iter_mut().zip(&self.evidence) {
            client.labelled = match labels {
                Some(labels) => labels.find(client.key).cloned().unwrap_or(Labelled {
                    label: Label::Unknown,
                    why: "not in the labels file".to_owned(),
                }),
                None => evidence.label(),
            };
        }
        Site {
            name: name.to_owned(),
            steps,
            clients,
            targets,
            resolution_us,
            memories: Vec::new(),
            apart: Vec::new(),
        }
    }
}

const _: () = assert!(size_of::<Step>() <= 72);
