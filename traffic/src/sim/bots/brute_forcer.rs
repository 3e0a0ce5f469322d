//! Programs that guess passwords.
//!
//! They send `POST /login`, one to three a second in the demo, and get a 401 each time. They try
//! either many passwords for one account, or one leaked pair after another. Some fetch the form
//! first for its token. None guesses right, because a success would only end the visit.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The benchmark's text about the fast one.
pub(in crate::sim) const REASONING_FAST: &str = "Credential stuffing from one address: leaked \
    pairs or one account's passwords, a guess \
     every 0.25 to 10 s, refused each time. Expected: detected at least 99 times in 100.";
/// The benchmark's text about the slow one.
pub(in crate::sim) const REASONING_SLOW: &str = "Credential stuffing at a guess every 284, 522 or \
    1,468 s, the paces of three campaigns in \
     public logs. Expected: detected within the day, mostly; after how many guesses is the \
     question.";
/// The benchmark's text about the botnet.
pub(in crate::sim) const REASONING_DISTRIBUTED: &str = "Credential stuffing by a botnet, a guess \
    or two from each address: no client does \
     enough to be judged by. Expected: not detected by the client; limited at the login page.";

/// One guesser.
#[derive(Debug)]
pub(in crate::sim) struct BruteForcer {
    pace: Pace,
    /// The account that it attacks; `None` means a list of leaked pairs.
    account: Option<usize>,
    fetches_form: bool,
    requests_left: u32,
}

impl BruteForcer {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let (per_second, requests_left) = match tempo {
            Tempo::Day => {
                (dice.log_between(0.1, 4.0), dice.lognormal(150.0, 0.8).clamp(20.0, 1_500.0) as u32)
            }
            Tempo::Live => (dice.between(1.0, 3.0), u32::MAX),
        };
        Self {
            pace: Pace::regular(1.0 / per_second, dice),
            account: dice.chance(0.5).then(|| dice.below(5_000)),
            fetches_form: dice.chance(0.2),
            requests_left,
        }
    }

    /// One guess every few minutes for days, slower than any rate limit. The gaps are those of
    /// three campaigns in public logs: 284, 522 and 1,468 s.
    pub(in crate::sim) fn slow(tempo: Tempo, dice: &mut Dice) -> Self {
        let gap_s = if tempo == Tempo::Day {
            dice.pick(&[284.0, 522.0, 1_468.0])
        } else {
            dice.between(3.0, 6.0)
        };
        let pace =
            if dice.chance(0.5) { Pace::fixed(gap_s, dice) } else { Pace::regular(gap_s, dice) };
        Self { pace, requests_left: u32::MAX, ..Self::new(tempo, dice) }
    }

    /// Leaked pairs from many addresses at once. All together send about as many requests a second
    /// as one guesser alone.
    pub(in crate::sim) fn distributed(tempo: Tempo, dice: &mut Dice) -> Self {
        let requests_left =
            if tempo == Tempo::Day { dice.between(2_000.0, 6_000.0) as u32 } else { u32::MAX };
        let pace = Pace::memoryless(dice.log_between(0.3, 2.0), dice);
        Self { pace, account: None, fetches_form: false, requests_left }
    }
}

impl Behave for BruteForcer {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        if self.fetches_form {
            turn.get("/login".to_owned(), None);
            turn.pause(0.05, 0.4);
        }
        let account = self.account.unwrap_or_else(|| turn.dice.below(5_000));
        // Seven digits are never a right password, because passwords here have at least twelve
        // hexadecimal digits.
        let guess = turn.dice.below(10_000_000);
        turn.post("/login", format!("user=customer{account}&password={guess:07}"), None);
        self.pace.wait(turn);
        true
    }
}
