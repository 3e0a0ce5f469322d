//! The model file.
//!
//! Its digest refuses nearly every mutation, and its feature names every old file. So the content
//! is also sealed again, as it is and with what a build must agree on put right; only then do the
//! checks behind the digest get to see it.

use detector::features::{COUNT, FEATURES, Features, definition_hash};
use detector::model::{FORMAT, File, Model, seal};

/// What stands between the content and its digest.
const SEAL: &[u8] = b",\n\"sha256\":\"";

/// A sealed file, or the JSON of one without its seal.
///
/// A file is accepted twice or refused twice, with the same words. What an accepted one says is
/// sealed to an equal file. It scores any row: the parts add up to the margin, and a calibrated
/// probability is one.
pub fn model(data: &[u8]) {
    check(data);
    let end = data.windows(SEAL.len()).rposition(|bytes| bytes == SEAL).unwrap_or(data.len());
    let is_sealed = end < data.len();
    let json = [&data[..end], if is_sealed { b"}" } else { b"" }].concat();
    let Ok(mut file) = serde_json::from_slice::<File>(&json) else { return };
    if let Ok(sealed) = seal(&file) {
        check(&sealed);
    }
    file.format = FORMAT;
    file.features = FEATURES.iter().map(|feature| feature.name.to_owned()).collect();
    file.definition = definition_hash();
    if let Ok(scorer) = file.scorer.check() {
        for golden in &mut file.golden {
            golden.row.resize(COUNT, None);
            golden.margin = golden.features().map_or(0.0, |row| scorer.margin(&row));
        }
    }
    if let Ok(sealed) = seal(&file) {
        check(&sealed);
    }
}

fn check(sealed: &[u8]) {
    let model = match Model::parse(sealed) {
        Ok(model) => model,
        Err(error) => {
            let again = Model::parse(sealed).expect_err("it was refused before");
            assert_eq!(again.to_string(), error.to_string());
            return;
        }
    };
    let resealed = seal(model.file()).expect("its numbers came from JSON");
    let again = Model::parse(&resealed).expect("it says what it said");
    assert_eq!(format!("{:?}", again.file()), format!("{:?}", model.file()));
    assert_eq!(seal(again.file()).expect("as before"), resealed);

    let missing = Features([f32::NAN; COUNT]);
    let golden = model.file().golden.iter().filter_map(|golden| golden.features());
    let extremes = [0.0, 1.0, -1.0, 1e6].map(|value| Features([value; COUNT]));
    for row in golden.chain([missing]).chain(extremes) {
        let score = model.score(&row);
        assert_eq!(score.margin().to_bits(), again.score(&row).margin().to_bits());
        if let Some(probability) = model.probability(score) {
            assert!((0.0..=1.0).contains(&probability), "probability {probability}");
        }
        let parts = model.contributions(&row);
        // A sum of parts loses what is small beside the largest.
        let largest = parts.by_feature.iter().fold(parts.base.abs(), |most, p| most.max(p.abs()));
        if largest < 1e6 {
            let difference = (parts.sum() - score.margin()).abs();
            assert!(difference <= 1e-5 * largest.max(1.0), "{difference} of {largest}");
        }
    }
}
