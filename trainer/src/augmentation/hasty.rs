//! Simulated bots that ask as soon as they are answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use detector::ClientKey;
use traffic::sim::{DEFAULT_START, Dice, Mix, Population, SimRequest, Site, simulate};

use super::simulated_client::{HOUR_US, SEED, SimulatedClient, SimulatedRow};

/// How many bots of each kind.
const HASTY: usize = 100;
/// The kinds of bots whose walks they take.
pub(super) const IN_HASTE: [Population; 5] = [
    Population::Scraper,
    Population::BreadthFirst,
    Population::Poller,
    Population::BruteForcer,
    Population::Scanner,
];

/// Rows of bots that ask as soon as they are answered. Their numbers follow `numbers`.
pub(super) fn hasty(numbers: u64, resolution_us: u32) -> Vec<SimulatedRow> {
    let mix = IN_HASTE.into_iter().fold(Mix::new(), |mix, population| mix.with(population, HASTY));
    let day = simulate(&Arc::new(Site::new(SEED)), SEED, DEFAULT_START, &mix, 24 * HOUR_US);
    let mut walks: BTreeMap<ClientKey, Vec<&SimRequest>> = BTreeMap::new();
    for request in &day {
        walks.entry(ClientKey::from_ip(request.client)).or_default().push(request);
    }
    let mut rows = Vec::new();
    for (number, (client, walk)) in (numbers + 1..).zip(walks) {
        let mut dice = Dice::nth(SEED, number);
        let haste = Haste::draw(&mut dice);
        let mut simulated = SimulatedClient::new(DEFAULT_START);
        let mut at = DEFAULT_START;
        for (index, request) in walk.into_iter().enumerate() {
            let took_us = (haste.gap_s(index, &mut dice) * 1e6) as u32 + 1;
            let request = SimRequest { at, took_us, ..request.clone() };
            let features = simulated.ask(&request, client, resolution_us);
            rows.extend(features.map(|features| SimulatedRow {
                kind: (request.population, 1),
                bad: true,
                number,
                features,
            }));
            at = request.completed_at();
        }
    }
    rows
}

/// How a program asks that never pauses.
#[derive(Clone, Copy)]
enum Haste {
    /// One page at a time, the next as soon as the last was answered. Now and then the machine is
    /// busy.
    Alone { answer_s: f64, busy_share: f64, busy_s: f64 },
    /// On many connections at once, so that answers come at any time.
    Abreast { mean_s: f64 },
    /// Several pages at once, and the next ones when all were answered.
    Volleys { pages: usize, answer_s: f64 },
}

impl Haste {
    /// Draws one of 16 to 5,000 pages a second. Slower bots are found in logs.
    fn draw(dice: &mut Dice) -> Self {
        let mean_s = dice.log_between(0.000_2, 0.06);
        let pages = 2 + dice.below(15);
        match dice.below(3) {
            0 => Self::Abreast { mean_s },
            1 => Self::Volleys { pages, answer_s: mean_s * pages as f64 },
            _ => Self::Alone {
                answer_s: mean_s,
                busy_share: dice.between(0.0, 0.5),
                busy_s: dice.log_between(0.002, 0.02),
            },
        }
    }

    /// Seconds from the request of this number to the next.
    fn gap_s(self, index: usize, dice: &mut Dice) -> f64 {
        match self {
            Self::Alone { answer_s, busy_share, busy_s } => {
                let busy_s = if dice.chance(busy_share) { dice.exponential(busy_s) } else { 0.0 };
                dice.lognormal(answer_s, 0.4) + busy_s
            }
            Self::Abreast { mean_s } => dice.exponential(mean_s),
            Self::Volleys { pages, answer_s } if index.is_multiple_of(pages) => {
                dice.lognormal(answer_s, 0.4)
            }
            Self::Volleys { .. } => dice.exponential(0.001),
        }
    }
}
