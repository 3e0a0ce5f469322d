//! What judges a log: the model and the policy of a configuration, or a model with the policy's
//! defaults.

use std::path::Path;

use anyhow::{Context, Result};
use detector::{AllowList, Judge, Policy, PolicyConfig};

use crate::input::{SHIPPED_MODEL, read_model};

/// Clients tracked when no configuration says how many. In most logs nobody is evicted then.
const CAPACITY: usize = 1_000_000;

/// The judge, and how many clients the detector may track.
///
/// # Errors
/// A file that cannot be read, or a configuration or model that is refused.
pub fn judge(config: Option<&Path>, model: Option<&Path>) -> Result<(Judge, usize)> {
    if let Some(path) = config {
        let model = model.map(Path::to_path_buf);
        let overrides = gate::Overrides { model, ..overrides_with_shipped_model() };
        let config = gate::Config::load(Some(path), &overrides)?;
        return Ok((gate::judge(&config)?, config.capacity()));
    }
    let model = read_model(model)?;
    let policy =
        Policy::new(PolicyConfig::default(), Some(&model)).context("the model's thresholds")?;
    Ok((Judge { model: Some(model), policy, allow: AllowList::default() }, CAPACITY))
}

/// Overrides without any flag: the shipped model judges where the configuration names none.
/// Commands that only read logs need no more, because they read only what every door shares.
pub fn overrides_with_shipped_model() -> gate::Overrides {
    gate::Overrides { model_built_in: Some(SHIPPED_MODEL), ..gate::Overrides::default() }
}
