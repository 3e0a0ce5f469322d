//! Figures with their uncertainty: area under the curve, shares, the binomial bound.

use serde::Serialize;

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

impl Interval {
    /// Lower and upper end.
    pub fn ends(self) -> [f64; 2] {
        [self.low, self.high]
    }
}

/// Area under the ROC curve: the chance that a bot scores above a person, ties half. `None` when a
/// side is empty.
pub fn auc(people: &[f32], bots: &[f32]) -> Option<f64> {
    if people.is_empty() || bots.is_empty() {
        return None;
    }
    let tag = |bad: bool| move |&score: &f32| (score, bad);
    let mut all: Vec<(f32, bool)> =
        people.iter().map(tag(false)).chain(bots.iter().map(tag(true))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut people_below, mut wins) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let bots_here = tied.iter().filter(|row| row.1).count() as f64;
        let people_here = tied.len() as f64 - bots_here;
        wins += bots_here * (people_below + people_here / 2.0);
        people_below += people_here;
    }
    Some(wins / (people.len() as f64 * bots.len() as f64))
}

/// Area under the ROC curve with its 95 % interval, by the score method of Newcombe 2006
/// (Statistics in Medicine 25, 559–573, method 5). Unlike a bootstrap it does not shrink to nothing
/// when a handful of people happen to lie apart from all bots.
pub fn auc_interval(people: &[f32], bots: &[f32]) -> Option<Interval> {
    let value = auc(people, bots)?;
    let (m, n) = (people.len() as f64, bots.len() as f64);
    // Hanley & McNeil 1982 with both sides' sizes replaced by their mean in the shape term.
    let variance = |area: f64| {
        let shape = (m + n) / 2.0 - 1.0;
        let pairs = (1.0 - area) / (2.0 - area) + area / (1.0 + area);
        area * (1.0 - area) * (1.0 + shape * pairs) / (m * n)
    };
    let is_far = |area: f64| (value - area).abs() > 1.959_964 * variance(area).sqrt();
    // Between 0 and the estimate lies one border between far and near, and another one above.
    let low = if is_far(1e-9) { bisect_between(1e-9, value, is_far) } else { 0.0 };
    let high = if is_far(1.0 - 1e-9) {
        bisect_between(value, 1.0 - 1e-9, |area| !is_far(area))
    } else {
        1.0
    };
    Some(Interval { value, low: low.min(value), high: high.max(value) })
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
    let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
    if k >= 1_000 {
        // Downwards from k, as far as terms count: mostly some standard deviations.
        let ln_choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        let mut term = (ln_choose + k as f64 * ln_p + (n - k) as f64 * ln_q).exp();
        let (mut sum, odds) = (term, (ln_q - ln_p).exp());
        for i in (1..=k).rev() {
            let ratio = i as f64 / (n - i + 1) as f64 * odds;
            term *= ratio;
            sum += term;
            if ratio < 1.0 && term <= sum * 1e-16 {
                break;
            }
        }
        return sum.min(1.0);
    }
    // Term by term in logarithms: exact enough for millions.
    let mut ln_term = n as f64 * ln_q;
    let mut sum = ln_term.exp();
    for i in 1..=k {
        ln_term += ((n - i + 1) as f64).ln() - (i as f64).ln() + ln_p - ln_q;
        sum += ln_term.exp();
    }
    sum.min(1.0)
}

/// The logarithm of a factorial by Stirling's series, which is exact enough for large numbers.
fn ln_factorial(n: u64) -> f64 {
    if n < 16 {
        return (1..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    let tail = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1_260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + tail
}

/// P(at most `hurt` of `people` lie above a threshold set just above the (k + 1)-th highest of n
/// others), when all of them are alike and no two tie: the beta-binomial distribution with k + 1
/// and n − k. Whatever the scores are.
pub fn hurt_at_most(hurt: u64, people: u64, k: u64, n: u64) -> f64 {
    if hurt >= people {
        return 1.0;
    }
    if k >= n {
        return 0.0;
    }
    let (above, below) = ((k + 1) as f64, (n - k) as f64);
    let mut ln_term: f64 =
        (0..people).map(|i| ((below + i as f64) / (above + below + i as f64)).ln()).sum();
    let mut sum = ln_term.exp();
    for x in 0..hurt {
        let left = (people - x) as f64;
        let x = x as f64;
        ln_term += (left / (x + 1.0)).ln() + ((x + above) / (left - 1.0 + below)).ln();
        sum += ln_term.exp();
    }
    sum.min(1.0)
}

/// Clopper & Pearson 1934: the 95 % interval of a share.
pub fn share(k: u64, n: u64) -> Interval {
    if n == 0 {
        return Interval { value: f64::NAN, low: 0.0, high: 1.0 };
    }
    // As much above as below; the smaller side has fewer terms to add.
    if 2 * k > n {
        let Interval { low, high, .. } = share(n - k, n);
        return Interval { value: k as f64 / n as f64, low: 1.0 - high, high: 1.0 - low };
    }
    let low = if k == 0 { 0.0 } else { bisect(|p| 1.0 - binomial_cdf(k - 1, n, p) < 0.025) };
    Interval { value: k as f64 / n as f64, low, high: bisect(|p| binomial_cdf(k, n, p) > 0.025) }
}

/// The share that k of n stays below with confidence 1 − δ: the one-sided Clopper–Pearson bound.
pub fn upper_bound(k: u64, n: u64, delta: f64) -> f64 {
    if k >= n { 1.0 } else { bisect(|p| binomial_cdf(k, n, p) > delta) }
}

/// The number in 0..1 from which on `below` is false.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    bisect_between(0.0, 1.0, below)
}

fn bisect_between(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
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
        // Five people apart from all of 269 bots show little, five hundred much.
        let apart = |count: usize| auc_interval(&vec![0.0; count], &[1.0; 269]).unwrap();
        assert!(apart(5).low < 0.85 && apart(5).high == 1.0, "{:?}", apart(5));
        assert!(apart(500).low > 0.98, "{:?}", apart(500));
        assert_eq!(auc_interval(&[1.0; 9], &[0.0; 9]).unwrap().low, 0.0);
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
        // A fair coin: half above, half below, and the middle term, 1 / √(πn/2) of it. Both ways of
        // adding agree.
        let middle = 1.0 / (std::f64::consts::PI * 20_000.0).sqrt();
        assert!((binomial_cdf(20_000, 40_000, 0.5) - 0.5 - middle / 2.0).abs() < 1e-6);
        for p in [0.01, 0.02, 0.024, 0.03] {
            let (below, at) = (binomial_cdf(999, 50_000, p), binomial_cdf(1_000, 50_000, p));
            let ln_choose = ln_factorial(50_000) - ln_factorial(1_000) - ln_factorial(49_000);
            let term = (ln_choose + 1_000.0 * p.ln() + 49_000.0 * (-p).ln_1p()).exp();
            assert!((at - below - term).abs() < 1e-9, "{p}: {below} {at} {term}");
        }
        let (most, few) = (share(29_000, 30_000), share(1_000, 30_000));
        assert!(
            (most.low + few.high - 1.0).abs() < 1e-12
                && most.low < most.value
                && most.value < most.high
        );
        let none_of_100 = share(0, 100);
        assert!((none_of_100.high - 0.036_2).abs() < 1e-3 && none_of_100.low == 0.0);
        assert!((upper_bound(0, 299, 0.05) - 0.01).abs() < 1e-4);
    }

    #[test]
    fn people_hurt_by_chance_follow_the_ranks() {
        // One more person lies above all of n others once in n + 1 times, above the second once in
        // (n + 1) / 2.
        assert!((hurt_at_most(0, 1, 0, 9) - 0.9).abs() < 1e-12);
        assert!((hurt_at_most(0, 1, 1, 9) - 0.8).abs() < 1e-12);
        // Two of four, of two and two: all orders are as likely, and in one of six both new ones
        // lie above both.
        assert!((hurt_at_most(1, 2, 0, 2) - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!((hurt_at_most(3, 3, 0, 5), hurt_at_most(0, 3, 5, 5)), (1.0, 0.0));
        // The mean is people · (k + 1) / (n + 1).
        let (people, k, n) = (50, 3, 400);
        let mean: f64 = (0..people).map(|hurt| 1.0 - hurt_at_most(hurt, people, k, n)).sum();
        assert!((mean - 50.0 * 4.0 / 401.0).abs() < 1e-9, "{mean}");
    }
}
