//! Figures with their uncertainty: area under the curve, shares, the binomial bound.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

/// Resamples for an interval: the ends are then good to about 3 % of its width.
const RESAMPLES: usize = 1_000;
const SEED: u64 = 20_161_117;

/// An estimate and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Area under the ROC curve: the chance that a bot scores above a person, ties half. `None` when a side is empty.
pub fn auc(people: &[f32], bots: &[f32]) -> Option<f64> {
    let ranked = Ranked::new(people, bots)?;
    ranked.auc(|_| 1.0)
}

/// The same with its interval, by bootstrap over clients (Efron 1979), seeded.
pub fn auc_interval(people: &[f32], bots: &[f32]) -> Option<Interval> {
    let ranked = Ranked::new(people, bots)?;
    let value = ranked.auc(|_| 1.0)?;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let mut times = vec![0.0; people.len() + bots.len()];
            // Each side on its own: how many of a kind a log holds is not what is measured.
            for _ in people {
                times[rng.gen_range(0..people.len())] += 1.0;
            }
            for _ in bots {
                times[people.len() + rng.gen_range(0..bots.len())] += 1.0;
            }
            ranked.auc(|i| times[i])
        })
        .collect();
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
    Some(Interval { value, low: at(0.025), high: at(0.975) })
}

/// Both sides sorted once: (score, index, is a bot).
struct Ranked(Vec<(f32, usize, bool)>);

impl Ranked {
    fn new(people: &[f32], bots: &[f32]) -> Option<Self> {
        if people.is_empty() || bots.is_empty() {
            return None;
        }
        let tag = |bad: bool, offset: usize| move |(i, &score): (usize, &f32)| (score, i + offset, bad);
        let people_tagged = people.iter().enumerate().map(tag(false, 0));
        let mut all: Vec<_> = people_tagged.chain(bots.iter().enumerate().map(tag(true, people.len()))).collect();
        all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Some(Self(all))
    }

    fn auc(&self, times: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut people_below, mut wins, mut bots) = (0.0, 0.0, 0.0);
        for tied in self.0.chunk_by(|a, b| a.0 == b.0) {
            let sum = |bad: bool| tied.iter().filter(|t| t.2 == bad).map(|t| times(t.1)).sum::<f64>();
            let (people_here, bots_here) = (sum(false), sum(true));
            wins += bots_here * (people_below + people_here / 2.0);
            people_below += people_here;
            bots += bots_here;
        }
        (people_below > 0.0 && bots > 0.0).then(|| wins / (people_below * bots))
    }
}

/// The largest share of bots caught at a threshold that hurts at most a share `fpr` of people.
pub fn tpr_at_fpr(people: &[f32], bots: &[f32], fpr: f64) -> Option<f64> {
    if people.is_empty() || bots.is_empty() {
        return None;
    }
    let mut sorted = people.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let hurt = (fpr * people.len() as f64 + 1e-9).floor() as usize;
    // Everything above the first person who must not be hurt.
    let caught = match sorted.get(hurt) {
        Some(&spared) => bots.iter().filter(|&&score| score > spared).count(),
        None => bots.len(),
    };
    Some(caught as f64 / bots.len() as f64)
}

/// P(X ≤ k) for X ~ Binomial(n, p).
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    // Term by term in logarithms: exact enough for millions.
    let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
    let mut ln_term = n as f64 * ln_q;
    let mut sum = ln_term.exp();
    for i in 1..=k {
        ln_term += ((n - i + 1) as f64).ln() - (i as f64).ln() + ln_p - ln_q;
        sum += ln_term.exp();
    }
    sum.min(1.0)
}

/// Clopper & Pearson 1934: the 95 % interval of a share.
pub fn share(k: u64, n: u64) -> Interval {
    if n == 0 {
        return Interval { value: f64::NAN, low: 0.0, high: 1.0 };
    }
    let low = if k == 0 { 0.0 } else { bisect(|p| 1.0 - binomial_cdf(k - 1, n, p) < 0.025) };
    Interval {
        value: k as f64 / n as f64,
        low,
        high: if k == n { 1.0 } else { bisect(|p| binomial_cdf(k, n, p) > 0.025) },
    }
}

/// The share that k of n stays below with confidence 1 − δ: the one-sided Clopper–Pearson bound.
pub fn upper_bound(k: u64, n: u64, delta: f64) -> f64 {
    if k >= n { 1.0 } else { bisect(|p| binomial_cdf(k, n, p) > delta) }
}

/// Where `below` turns false in 0..1.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if below(middle) { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_is_the_share_of_pairs_in_the_right_order() {
        let (people, bots) = ([0.1, 0.4, 0.4, 0.9], [0.4, 0.8, 0.95]);
        let mut pairs = 0.0;
        for person in people {
            for bot in bots {
                pairs += if bot > person {
                    1.0
                } else if bot == person {
                    0.5
                } else {
                    0.0
                };
            }
        }
        assert_eq!(auc(&people, &bots), Some(pairs / 12.0));
        let interval = auc_interval(&people, &bots).unwrap();
        assert!(interval.low <= interval.value && interval.value <= interval.high);
        assert_eq!(auc(&[], &bots), None);
    }

    #[test]
    fn tpr_is_taken_strictly_above_the_spared_person() {
        let people: Vec<f32> = (0..100).map(|i| i as f32).collect();
        assert_eq!(tpr_at_fpr(&people, &[98.5, 99.0, 50.0, 99.5], 0.01), Some(0.75));
        assert_eq!(tpr_at_fpr(&people, &[98.5, 99.0, 50.0, 99.5], 0.001), Some(0.25));
    }

    #[test]
    fn the_binomial_agrees_with_known_values() {
        assert!((binomial_cdf(0, 2_995, 0.001) - 0.05).abs() < 1e-4);
        assert!((binomial_cdf(1, 4_742, 0.001) - 0.05).abs() < 1e-4);
        assert!((binomial_cdf(3, 10, 0.5) - 0.171_875).abs() < 1e-12);
        let none_of_100 = share(0, 100);
        assert!((none_of_100.high - 0.036_2).abs() < 1e-3 && none_of_100.low == 0.0);
        assert!((upper_bound(0, 299, 0.05) - 0.01).abs() < 1e-4);
    }
}
