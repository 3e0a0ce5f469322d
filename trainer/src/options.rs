//! What to train, and how.

use detector::{Model, SiteProfileFile};

use crate::adapt::Base;
use crate::algorithm::Algorithm;
use crate::calibrate::Budgets;

/// What to train.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the model.
    pub name: String,
    /// Algorithm and parameters.
    pub algorithm: Algorithm,
    /// False-positive budgets.
    pub budgets: Budgets,
    /// Page requests from which on a client is judged.
    pub min_pages: u32,
    /// A model to adapt to the site.
    pub base: Option<Base>,
    /// The model in force, where a newer one is trained beside it: whom it calls anomalous does not
    /// train as a person.
    pub guard: Option<Model>,
    /// Did somebody check the labels (they come from a file), or did weak rules give them?
    pub labels_are_checked: bool,
    /// Leave clients out of training whose label is contradicted by models that have not seen them?
    pub prunes: bool,
    /// Measure the other algorithms as well?
    pub compares: bool,
    /// The share of undeclared clients that lie below the limit threshold while too few people are
    /// known to prove one.
    pub warm_up: f64,
    /// Where there is one site: add simulated bots that walk the site's own URLs, and take its
    /// undeclared clients for people where nobody is known to be one?
    pub attacks: bool,
    /// Arm the model even if a readiness requirement fails?
    pub is_forced: bool,
    /// The profile that [`Site::learn`](crate::Site::learn) returned, where there is one site and
    /// the model is to ship its profile.
    pub profile: Option<SiteProfileFile>,
    /// File names of the logs.
    pub data: Vec<String>,
    /// SHA-256 over the logs as read.
    pub data_sha256: String,
    /// SHA-256 over each site's logs, where there are several sites.
    pub sites_sha256: Vec<String>,
}

impl Default for Options {
    /// Checked labels, all of which train; one algorithm.
    fn default() -> Self {
        Self {
            name: "model".to_owned(),
            algorithm: Algorithm::default(),
            budgets: Budgets::default(),
            min_pages: detector::policy::MIN_PAGES,
            base: None,
            guard: None,
            labels_are_checked: true,
            prunes: false,
            compares: false,
            warm_up: 0.99,
            attacks: true,
            is_forced: false,
            profile: None,
            data: Vec::new(),
            data_sha256: String::new(),
            sites_sha256: Vec::new(),
        }
    }
}
