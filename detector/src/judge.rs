//! What a request is judged by: model, policy and allow list, as one value.

use crate::allow::AllowList;
use crate::cohort::{CountedIn, FEW_PAGES};
use crate::model::Model;
use crate::policy::Policy;
use crate::site_profile::SiteProfile;

/// Model, policy and allow list. A reload exchanges all three at once, while windows and bans stay
/// untouched.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The model; without one everybody is allowed.
    pub model: Option<Model>,
    /// What scores lead to.
    pub policy: Policy,
    /// Who passes without being judged.
    pub allow: AllowList,
}

impl Judge {
    /// The time step, in µs, that windows are kept in: the model's, or 1 without a model.
    pub(crate) fn resolution_us(&self) -> u32 {
        self.model.as_ref().map_or(1, Model::resolution_us)
    }

    /// What the model knows of the site, if anything.
    pub(crate) fn site_profile(&self) -> Option<&SiteProfile> {
        self.model.as_ref().and_then(Model::site_profile)
    }

    /// Which cohorts a request is counted in, of a client with so many `pages` before it.
    ///
    /// A page of a client that has few is counted in its network's cohort. A write of a client that
    /// has too few to be judged alone is counted with the others that write to the same path.
    pub(crate) fn counted_in(&self, is_page: bool, pages: u32, write: u16) -> CountedIn {
        if self.policy.cohort_margin().is_none() || self.model.is_none() {
            return CountedIn::NONE;
        }
        let write = if pages < self.policy.min_pages() { write } else { 0 };
        CountedIn { network: is_page && pages < FEW_PAGES, write }
    }
}
