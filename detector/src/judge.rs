//! What judges: model, policy and allow list, as one value that is exchanged whole.

use crate::allow::AllowList;
use crate::cohort::{FEW_PAGES, Wanted};
use crate::model::Model;
use crate::policy::Policy;
use crate::site_profile::SiteProfile;

/// What judges. A reload exchanges it whole, while windows and bans stay untouched.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The model; without one everybody is allowed.
    pub model: Option<Model>,
    /// The policy.
    pub policy: Policy,
    /// Asked before both.
    pub allow: AllowList,
}

impl Judge {
    /// The time step, in µs, that windows are kept in.
    pub(crate) fn resolution_us(&self) -> u32 {
        self.model.as_ref().map_or(1, Model::resolution_us)
    }

    /// What the model remembers of the site.
    pub(crate) fn memory(&self) -> Option<&SiteProfile> {
        self.model.as_ref().and_then(Model::memory)
    }

    /// Which cohorts a client with so many pages before this request is counted in: its network's
    /// for a page while it has few, those who write to the same path while it has too few to be
    /// judged alone.
    pub(crate) fn wants(&self, is_page: bool, pages: u32, write: u16) -> Wanted {
        if self.policy.cohort_margin().is_none() || self.model.is_none() {
            return Wanted::default();
        }
        let write = if pages < self.policy.min_pages() { write } else { 0 };
        Wanted { network: is_page && pages < FEW_PAGES, write }
    }
}
