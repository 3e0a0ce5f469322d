//! What a request is judged by: model, policy and allow list, as one value.

use crate::allow::AllowList;
use crate::cohort::{CountedIn, FEW_PAGES};
use crate::guard::Rule;
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
    /// has too few to be judged alone is counted with the others that write to the same path, also
    /// where no cohort threshold is in force, unless the guard's rule of failed log-ins is off.
    pub(crate) fn counted_in(&self, is_page: bool, pages: u32, write: u16) -> CountedIn {
        let are_judged = self.policy.cohort_margin().is_some() && self.model.is_some();
        // Failed log-ins say enough without a score.
        let are_guarded = self.policy.guard().contains(Rule::FailedLogins);
        let is_few = pages < self.policy.min_pages() && (are_judged || are_guarded);
        let write = if is_few { write } else { 0 };
        CountedIn { network: are_judged && is_page && pages < FEW_PAGES, write }
    }
}
