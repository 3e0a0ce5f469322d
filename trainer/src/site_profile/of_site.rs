//! A site learns its profile, and measures its clients with it.

use std::sync::Arc;

use detector::{SiteProfile, SiteProfileError, SiteProfileFile};

use super::fold::PROFILE_FOLDS;
use super::{learn, learn_folds};
use crate::site::Site;

impl Site {
    /// Learns the site's profile and measures its clients with it: each fifth of them with what the
    /// others taught, because a gate measures strangers too. Returns what a model of this site
    /// ships.
    ///
    /// # Errors
    /// [`SiteProfileError`]: a mistake of the learner.
    pub fn learn(&mut self) -> Result<SiteProfileFile, SiteProfileError> {
        self.learn_without(Vec::new())
    }

    /// Like [`Site::learn`], but clients who are kept apart teach nothing (one entry a client, or
    /// none at all).
    ///
    /// # Errors
    /// As [`Site::learn`].
    pub fn learn_without(&mut self, apart: Vec<bool>) -> Result<SiteProfileFile, SiteProfileError> {
        self.apart = apart;
        let file = learn(self, |_| true)?;
        let folds = learn_folds(self, PROFILE_FOLDS)?;
        let profile = Arc::new(SiteProfile::open(&file)?);
        self.profiles = folds
            .iter()
            .map(|fold| SiteProfile::open(fold).map(Arc::new))
            .collect::<Result<_, _>>()?;
        self.profiles.push(Arc::clone(&profile));
        self.apply_profile(&profile);
        Ok(file)
    }
}
