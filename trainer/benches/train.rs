//! How long training takes: 500,000 rows of made-up clients, all scored features, one core.
//!
//! ```text
//! cargo bench -p kidoban-trainer --bench train            # or: … -- 100000, or: … -- rows.csv
//! ```
//!
//! Rows look like the real ones: some twenty page counts a client, values skewed, tied and missing
//! as the features are, a fifth of clients bots that differ from people in some of them. Prints
//! seconds and peak memory (Linux, `VmHWM`).

#![allow(clippy::print_stdout, clippy::unwrap_used)] // a benchmark prints, and fails loudly

use std::time::Instant;

use detector::features::{COUNT, index_of};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use trainer::boosted::BoostedParams;
use trainer::samples::Rows;
use trainer::statistics::auc;

fn main() {
    let argument = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let rows = match argument.as_deref() {
        Some(path) if path.ends_with(".csv") => read(path),
        argument => made_up(argument.map_or(500_000, |number| number.parse().unwrap()), 1),
    };
    let before_kib = peak_kib();
    let start = Instant::now();
    let fitted = BoostedParams::default().fit(&rows).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let peak_kib = peak_kib();
    let margins: Array1<f32> = linfa::traits::Predict::predict(&fitted, &rows.records);
    let side = |bad: bool| -> Vec<f32> {
        margins
            .iter()
            .zip(&rows.targets)
            .filter(|(_, is)| **is == bad)
            .map(|(margin, _)| *margin)
            .collect()
    };
    println!(
        "rows {}, features {COUNT}, training AUC {:.4}",
        rows.records.nrows(),
        auc(&side(false), &side(true)).unwrap()
    );
    println!(
        "fit {seconds:.2} s, peak {} MiB, of which the rows {} MiB",
        peak_kib / 1024,
        before_kib / 1024
    );
}

/// Rows that `kidoban train --rows` wrote.
fn read(path: &str) -> Rows {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut values, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        targets.push(fields[0] == "1");
        weights.push(fields[1].parse().unwrap());
        values.extend(fields[6..].iter().map(|field| field.parse().unwrap_or(f32::NAN)));
    }
    let records = Array2::from_shape_vec((targets.len(), COUNT), values).unwrap();
    DatasetBase::new(records, Array1::from(targets)).with_weights(Array1::from(weights))
}

/// Rows in the detector's order.
fn made_up(count: usize, seed: u64) -> Rows {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut records = Array2::from_elem((count, COUNT), f32::NAN);
    let mut targets = Array1::from_elem(count, false);
    let telling = ["gap_self_similarity", "gap_entropy", "gap_consistency", "error_share"]
        .map(|name| index_of(name).unwrap());
    let (mut bad, mut tempo) = (false, 0.0_f32);
    for row in 0..count {
        if row % 20 == 0 {
            bad = rng.gen_bool(0.2);
            tempo = rng.gen_range(0.0..1.0);
        }
        targets[row] = bad;
        for feature in 0..COUNT {
            let noise: f32 = rng.gen_range(0.0..1.0);
            records[(row, feature)] = match feature % 4 {
                0 => noise * noise * 100.0,         // skewed, like gaps and rates
                1 => (noise * 32.0).floor() / 32.0, // tied, like shares of a ring
                2 if noise < 0.6 => 0.0,            // mostly nothing, like error shares
                _ => (noise + tempo) / 2.0,         // alike within a client
            };
        }
        for &feature in &telling {
            if rng.gen_bool(0.5) {
                let shift = if bad { 0.3 } else { -0.1 };
                records[(row, feature)] = (rng.gen_range(0.0..1.0_f32) + shift).clamp(0.0, 1.0);
            }
        }
        // Gap features are missing together, on short windows.
        if row % 20 < 2 {
            records.row_mut(row).iter_mut().take(8).for_each(|value| *value = f32::NAN);
        }
    }
    let weights = (0..count).map(|row| if targets[row] { 2.5 } else { 0.625 }).collect();
    DatasetBase::new(records, targets).with_weights(weights)
}

/// Most memory the process has ever had, in KiB; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
