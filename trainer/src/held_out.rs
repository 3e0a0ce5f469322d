//! The clients that calibrate a model, scored by models that have not seen them.

use detector::model::Scorer;

/// The clients that calibrated a model, and the models that scored them.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The models that scored them: the written model if calibration clients were kept apart from
    /// training, otherwise one for each fold.
    pub scorers: Vec<Scorer>,
    /// The clients, in order of site and client.
    pub clients: Vec<HeldOutClient>,
}

/// One client and the highest score that it reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOutClient {
    /// Index of its site among those trained on.
    pub site: usize,
    /// Index among the site's clients.
    pub client: usize,
    /// Its highest score, in log-odds.
    pub margin: f32,
    /// Index in [`HeldOut::scorers`] of the model that gave it.
    pub scorer: usize,
}
