//! What came of the challenges that a client was shown, from the event log.

use traffic::log::RecordedChallenge;

use super::phrases::times;

/// How often each came.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChallengeCounts {
    issued: u64,
    passed: u64,
    failed: u64,
    early: u64,
}

impl ChallengeCounts {
    pub fn note(&mut self, challenge: RecordedChallenge) {
        match challenge {
            RecordedChallenge::Issued => self.issued += 1,
            RecordedChallenge::Passed(_) => self.passed += 1,
            RecordedChallenge::Failed => self.failed += 1,
            RecordedChallenge::Early => self.early += 1,
        }
    }

    /// A sentence; `None` where there was no challenge.
    pub(super) fn sentence(&self) -> Option<String> {
        let Self { issued, passed, failed, early } = *self;
        if issued + passed + failed + early == 0 {
            return None;
        }
        let counts = [
            (passed, "passed"),
            (failed, "sent with a forged or wrong answer"),
            (early, "sent too early"),
        ];
        let mut text = format!("It was shown {}", times(issued, "challenge"));
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            text += &format!("; {count} {what}");
        }
        if passed == 0 {
            text += "; none passed";
        }
        Some(text + ".")
    }
}

#[cfg(test)]
mod tests {
    use detector::Timestamp;

    use super::*;

    #[test]
    fn a_sentence_counts_what_came_of_challenges() {
        let mut counts = ChallengeCounts::default();
        assert_eq!(counts.sentence(), None);
        counts.note(RecordedChallenge::Issued);
        let text = counts.sentence();
        assert_eq!(text.as_deref(), Some("It was shown 1 challenge; none passed."));
        counts.note(RecordedChallenge::Issued);
        counts.note(RecordedChallenge::Early);
        counts.note(RecordedChallenge::Passed(Timestamp::default()));
        let text = counts.sentence();
        assert_eq!(text.as_deref(), Some("It was shown 2 challenges; 1 passed; 1 sent too early."));
    }
}
