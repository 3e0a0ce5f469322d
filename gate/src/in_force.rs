//! What is in force: everything that a reload changes, as one value.
//!
//! It is loaded once a request, so no request is judged by one configuration and ruled by another.

use std::sync::Arc;

use detector::{Judge, Mode};

use crate::config::{Config, tuned};
use crate::identity::TrustedProxies;
use crate::metrics::{ConversionCounters, Metrics};

/// Judge (with its allow list), mode, trust and conversion patterns of one configuration.
pub(crate) struct InForce {
    pub(crate) judge: Judge,
    pub(crate) mode: Mode,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) conversions: Arc<ConversionCounters>,
}

impl InForce {
    /// Of this configuration and the judge that was made of it, having told the metrics.
    pub(crate) fn announced(config: &Config, judge: Judge, metrics: &Metrics) -> Self {
        metrics.model(judge.model.as_ref());
        metrics.budgets(tuned::budgets(config, judge.model.as_ref()));
        Self {
            judge,
            mode: config.mode(),
            trusted_proxies: TrustedProxies::new(config.trusted_proxies().to_vec()),
            conversions: Arc::new(metrics.conversions(config.outcomes())),
        }
    }
}
