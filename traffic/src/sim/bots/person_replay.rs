//! Programs that replay recorded visits of people.
//!
//! The operator records real visits with a browser extension and replays them from other addresses,
//! request by request and gap by gap. Each replay is another recording, with hours between. By its
//! requests and their times, this **is** a person: a detector that refused it would refuse the
//! person too. It shows the limit of behaviour as evidence. It also costs its operator as much time
//! for every page as a person takes.

use std::sync::Arc;

use crate::sim::dice::Dice;
use crate::sim::population::Population;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn, Visit};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Plays back recorded visits of people, request by \
    request. By behaviour it is a person: the \
     honest ceiling. Expected: undetected; whoever detects it refuses people.";

/// One such program.
pub(in crate::sim) struct PersonReplay {
    tempo: Tempo,
    site: Arc<Site>,
    recording: Visit,
    recordings_left: u32,
}

impl PersonReplay {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let site = Arc::new(site.clone());
        let recording = recorded(&site, tempo, dice);
        Self { tempo, site, recording, recordings_left: dice.below(3) as u32 }
    }
}

/// A recorded visit of a person.
fn recorded(site: &Arc<Site>, tempo: Tempo, dice: &mut Dice) -> Visit {
    let person = if dice.chance(0.85) { Population::Shopper } else { Population::GalleryShopper };
    Visit::new(person, site, dice.bits(), tempo)
}

impl Behave for PersonReplay {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if let Some(step) = self.recording.next() {
            turn.wait(step.wait_us as f64 / 1e6);
            turn.repeat(step);
            return true;
        }
        if self.recordings_left == 0 {
            return false;
        }
        self.recordings_left -= 1;
        turn.pause(7_200.0, 0.7);
        self.recording = recorded(&self.site, self.tempo, turn.dice);
        true
    }
}
