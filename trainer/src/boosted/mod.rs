//! Gradient-boosted trees on histograms (`boosted`), behind linfa's traits.
//!
//! Friedman 2001 with second-order leaf values (Chen & Guestrin 2016) and histogram splits grown
//! best leaf first (Ke et al. 2017): what linfa lacks. Log-loss; a missing value goes whichever way
//! gains more; monotone constraints bound the leaves below a constrained split on both sides of its
//! midpoint. No randomness: same rows, same bytes.
//!
//! **Early stopping** ([`BoostedValidParams::fit_by_client`]): a fifth of the clients is held out,
//! by a hash of the client and never by row; the most trees after which their area under the curve
//! is within a standard error of the best are counted, and then as many are fitted on all rows.
//! **Continuing** from a base forest: its margins are where boosting starts, and its trees stand
//! first in the result.
//!
//! Ours and not a library's: scoring needs flat trees with the mean of every inner node for exact
//! contributions, and the file must be reproducible byte for byte.

mod bins;
mod fit;
mod forest;
mod grow;
mod histogram;
mod params;

pub use forest::Boosted;
pub use params::{BoostedParams, BoostedValidParams};

use detector::model::Trees;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use crate::error::TrainError;
use crate::samples::Rows;

impl Fit<Array2<f32>, Array1<bool>, TrainError> for BoostedValidParams {
    type Object = Boosted;

    /// Rows × features in the detector's order, NaN missing; weights as the dataset has them, or 1.
    /// All trees, no stopping.
    fn fit(&self, dataset: &Rows) -> Result<Boosted, TrainError> {
        fit::fit(self, dataset, None, None, &|| ())
    }
}

impl BoostedValidParams {
    /// Fits with early stopping. `clients` holds a number per row that is the same for all rows of
    /// a client, and well mixed. Where the held-out clients are not of both kinds, nothing is
    /// stopped. `base` is continued, if there is one.
    ///
    /// # Errors
    /// As [`Fit::fit`], and more nodes together with the base than can be numbered.
    pub fn fit_by_client(
        &self,
        dataset: &Rows,
        clients: &[u64],
        base: Option<&Trees>,
    ) -> Result<Boosted, TrainError> {
        self.fit_by_client_told(dataset, clients, base, &|| ())
    }

    /// Fits as [`BoostedValidParams::fit_by_client`] does, and calls `grown` after each tree.
    ///
    /// # Errors
    /// As [`BoostedValidParams::fit_by_client`].
    pub fn fit_by_client_told(
        &self,
        dataset: &Rows,
        clients: &[u64],
        base: Option<&Trees>,
        grown: &dyn Fn(),
    ) -> Result<Boosted, TrainError> {
        fit::fit(self, dataset, Some(clients), base, grown)
    }
}
