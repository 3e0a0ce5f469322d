//! One model at the rule that is enforced: what it did to people and to bots.

use detector::{Model, PolicyConfig, PolicyError};
use serde::Serialize;
use trainer::label::Label;

use super::PromotionCase;
use crate::evaluate::history::watch;

/// What became of the judged clients under one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trial {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of its file, in hex.
    pub model_sha256: String,
    /// People judged.
    pub people: u64,
    /// Of these, people refused anything.
    pub people_refused: u64,
    /// Of these, people blocked.
    pub people_blocked: u64,
    /// Bad robots judged.
    pub bots: u64,
    /// Of these, robots refused anything.
    pub bots_stopped: u64,
    /// Mean over these robots of the share of their requests that was refused.
    pub bot_requests_refused: f64,
}

/// What became of one client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TrialClient {
    pub(super) label: Label,
    /// Had it enough pages to be judged?
    pub(super) is_judged: bool,
    pub(super) requests: u64,
    pub(super) limited: u64,
    pub(super) blocked: u64,
}

impl TrialClient {
    pub(super) fn is_refused(&self) -> bool {
        self.limited + self.blocked > 0
    }

    pub(super) fn share_refused(&self) -> f64 {
        (self.limited + self.blocked) as f64 / self.requests.max(1) as f64
    }
}

impl Trial {
    /// Drives the newest traffic through a gate with this model. The clients come in the site's
    /// order.
    pub(super) fn of(
        model: &Model,
        case: &PromotionCase<'_>,
    ) -> Result<(Self, Vec<TrialClient>), PolicyError> {
        let mut site = case.newest.clone();
        if let Some(profile) = model.shared_site_profile() {
            site.use_profile(profile);
        }
        let policy = PolicyConfig::clone(case.policy);
        let seen = watch(model, &site, policy, &mut [], |_| {})?;
        let clients: Vec<TrialClient> = site
            .clients
            .iter()
            .zip(&seen)
            .map(|(client, seen)| TrialClient {
                label: client.labelled.label,
                // A person with few pages counts where it was refused all the same.
                is_judged: seen.highest.is_some() || seen.limited + seen.blocked > 0,
                requests: seen.requests,
                limited: seen.limited,
                blocked: seen.blocked,
            })
            .collect();
        let of = |label: Label| {
            clients.iter().filter(move |client| client.label == label && client.requests > 0)
        };
        let people = || of(Label::Human).filter(|client| client.is_judged);
        let bots: Vec<&TrialClient> = of(Label::Bad).collect();
        let refused: f64 = bots.iter().map(|client| client.share_refused()).sum();
        let trial = Self {
            model: model.file().name.clone(),
            model_sha256: model.sha256().to_owned(),
            people: people().count() as u64,
            people_refused: people().filter(|client| client.is_refused()).count() as u64,
            people_blocked: people().filter(|client| client.blocked > 0).count() as u64,
            bots: bots.len() as u64,
            bots_stopped: bots.iter().filter(|client| client.is_refused()).count() as u64,
            bot_requests_refused: refused / (bots.len() as f64).max(1.0),
        };
        Ok((trial, clients))
    }
}
