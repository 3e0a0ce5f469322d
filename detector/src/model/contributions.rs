//! Which features raised a score: the margin taken apart by feature.

use std::fmt;

use crate::features::{COUNT, Definition, FEATURES, Features};

/// A margin taken apart by feature.
#[derive(Clone, Debug)]
pub struct Contributions {
    /// The margin of a client of which nothing is known.
    pub base: f32,
    /// What each feature adds, in the order of [`FEATURES`].
    pub by_feature: [f32; COUNT],
}

/// The three features that raised a score most, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TopContributions([Option<Contribution>; 3]);

/// What one feature added to a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    feature: u8,
    /// The value of the feature; NaN when it was missing.
    pub value: f32,
    /// What it added to the margin, in log-odds.
    pub part: f32,
}

impl Contributions {
    /// Base plus every contribution.
    pub fn sum(&self) -> f32 {
        (f64::from(self.base) + self.by_feature.iter().map(|&part| f64::from(part)).sum::<f64>())
            as f32
    }

    /// The three largest contributions towards "bot", with the values of the features.
    pub fn because(&self, features: &Features) -> TopContributions {
        let mut top: [Option<Contribution>; 3] = [None; 3];
        for (index, &part) in self.by_feature.iter().enumerate().filter(|(_, part)| **part > 0.0) {
            let mut next =
                Some(Contribution { feature: index as u8, value: features.0[index], part });
            for slot in &mut top {
                if slot.is_none_or(|least| next.is_some_and(|next| next.part > least.part)) {
                    std::mem::swap(slot, &mut next);
                }
            }
        }
        TopContributions(top)
    }
}

impl TopContributions {
    /// The contributions, the largest first.
    pub fn iter(&self) -> impl Iterator<Item = &Contribution> {
        self.0.iter().flatten()
    }
}

impl Contribution {
    /// The definition of the feature.
    pub fn definition(&self) -> &'static Definition {
        &FEATURES[usize::from(self.feature)]
    }
}

impl fmt::Display for Contribution {
    /// The feature in people's words, its value, and what it added to the margin:
    /// `gaps repeat 0.94 (+2.1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definition = self.definition();
        write!(f, "{} {} (+{:.1})", definition.words, definition.say(self.value), self.part)
    }
}

/// A [`Contribution`] keeps the number of its feature in one byte.
const _: () = assert!(COUNT <= u8::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn because_names_the_three_loudest() {
        let mut by_feature = [0.0; COUNT];
        for (index, part) in [(3, 0.5), (0, 2.0), (7, -9.0), (5, 1.0), (9, 0.1)] {
            by_feature[index] = part;
        }
        let because = Contributions { base: 0.0, by_feature }.because(&Features([0.25; COUNT]));
        let names: Vec<_> = because.iter().map(|spoke| spoke.definition().name).collect();
        assert_eq!(names, [FEATURES[0].name, FEATURES[5].name, FEATURES[3].name]);
        assert_eq!(because.iter().next().unwrap().to_string(), "spread of gaps 0.25 (+2.0)");
    }
}
