//! Repeats rows according to their weights, for algorithms that ignore weights.

/// Row numbers, each about as often as its weight says, `draws` in all: systematic sampling (Madow
/// 1949), whose counts differ from the expected ones by less than one. `start` in 0..1 says where
/// in the first step it begins.
pub(crate) fn by_weight(weights: &[f32], draws: usize, start: f64) -> Vec<usize> {
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut drawn = Vec::with_capacity(draws);
    let mut sum = 0.0;
    for (row, &weight) in weights.iter().enumerate() {
        let before = (sum * draws as f64 / total + start).floor();
        sum += f64::from(weight);
        let times = ((sum * draws as f64 / total + start).floor() - before) as usize;
        drawn.extend(std::iter::repeat_n(row, times));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_drawn_as_their_weights_say() {
        for start in [0.0, 0.3, 0.99] {
            let drawn = by_weight(&[1.0, 3.0, 0.0, 4.0], 8, start);
            let count = |row| drawn.iter().filter(|&&drawn| drawn == row).count();
            assert_eq!((count(0), count(1), count(2), count(3)), (1, 3, 0, 4), "start {start}");
        }
    }

    #[test]
    fn light_rows_are_drawn_now_and_then() {
        let drawn = by_weight(&[0.1; 1_000], 100, 0.5);
        assert_eq!(drawn.len(), 100);
        assert!(drawn.windows(2).all(|pair| pair[1] == pair[0] + 10), "{drawn:?}");
    }
}
