//! Law 9: the model file is trusted last.

use data_encoding::HEXLOWER;
use detector::Model;
use detector::features::{COUNT, index_of};
use detector::model::{
    Deciles, File, GoldenRow, Readiness, ReadinessState, Reference, Requirement, ScorerFile, seal,
};
use kidoban::input::{SHIPPED_MODEL, read_model};
use sha2::{Digest, Sha256};

use crate::support::model;

fn small() -> File {
    model::file("small", model::small_tree())
}

/// Why these bytes are refused.
fn reason(what: &str, bytes: &[u8]) -> String {
    match Model::parse(bytes) {
        Ok(_) => panic!("{what}: it was believed"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_small_model_is_sound_and_scores() {
    let model = model::parse(&small());
    let features = GoldenRow { row: vec![None; COUNT], margin: 0.0 }.features().unwrap();
    assert_eq!(model.score(&features).margin(), -2.5, "missing twice: right, then left");
}

#[test]
fn every_truncation_is_refused() {
    for file in [small(), model::file("small", model::lively())] {
        let bytes = seal(&file).unwrap();
        for length in 0..bytes.len() {
            assert!(
                Model::parse(&bytes[..length]).is_err(),
                "{length} of {} bytes are enough",
                bytes.len()
            );
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let sound = seal(&small()).unwrap();
    let mut bytes = sound.clone();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            assert!(Model::parse(&bytes).is_err(), "bit {bit} of byte {place} does not matter");
            bytes[place] ^= 1 << bit;
        }
    }
    assert_eq!(bytes, sound);
}

#[test]
fn what_is_appended_inserted_or_missing_is_refused() {
    let sound = seal(&small()).unwrap();
    for place in (0..=sound.len()).step_by(7) {
        let (before, after) = sound.split_at(place);
        assert!(Model::parse(&[before, b" ", after].concat()).is_err(), "a space at {place}");
        assert!(
            Model::parse(&[before, after.get(1..).unwrap_or_default()].concat()).is_err()
                || after.is_empty()
        );
    }
    assert!(Model::parse(&[&sound[..], &sound[..]].concat()).is_err());
}

/// Seals what does not deserve it: the digest is right, so what is said about the content is what
/// is tested.
pub fn reseal(change: impl FnOnce(&mut File)) -> Vec<u8> {
    let mut file = small();
    change(&mut file);
    seal(&file).unwrap()
}

/// Damage that a [`File`] cannot hold: the text of the file with `from` replaced by `to`, and
/// a digest that fits.
fn reseal_text(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(seal(&small()).unwrap()).unwrap();
    let (content, _) = text.split_once(",\n\"sha256\":").unwrap();
    let changed = content.replacen(from, to, 1);
    assert_ne!(changed, content, "{from} is not in the file");
    let digest = HEXLOWER.encode(&Sha256::digest(changed.as_bytes()));
    format!("{changed},\n\"sha256\":\"{digest}\"\n}}\n").into_bytes()
}

pub fn trees(
    change: impl FnOnce(&mut Vec<u16>, &mut Vec<u16>, &mut Vec<u16>, &mut Vec<f32>),
) -> Vec<u8> {
    reseal(|file| {
        if let ScorerFile::Trees { roots, feature, left, threshold, .. } = &mut file.scorer {
            change(roots, feature, left, threshold);
        }
    })
}

fn readiness(change: impl FnOnce(&mut Readiness)) -> Vec<u8> {
    reseal(|file| {
        let gate =
            Requirement { name: "area".into(), value: 0.9, required: 0.7, remedy: "label".into() };
        file.readiness.gates = vec![gate];
        change(&mut file.readiness);
    })
}

fn logistic(change: impl FnOnce(&mut Vec<f32>, &mut Vec<f32>)) -> Vec<u8> {
    reseal(|file| {
        file.scorer = model::lively();
        if let ScorerFile::Logistic { scale, weight, .. } = &mut file.scorer {
            change(scale, weight);
        }
    })
}

#[test]
fn a_sealed_lie_is_refused_with_its_reason() {
    let check = |what: &str, bytes: Vec<u8>, expect: &str| {
        let reason = reason(what, &bytes);
        assert!(reason.contains(expect), "{what}: {reason}");
        assert!(reason.contains("train a new one"), "{what} says no way out: {reason}");
    };
    check(
        "a child before its parent",
        trees(|_, _, left, _| left[2] = 1),
        "node 2 has child 1, which does not stand",
    );
    check("a child that is its parent", trees(|_, _, left, _| left[0] = 0), "node 0 has child 0");
    check("a child beyond the last", trees(|_, _, left, _| left[2] = 5), "node 2 has child 5");
    check(
        "a root beyond the last",
        trees(|roots, _, _, _| roots[0] = 5),
        "root 5 is out of bounds",
    );
    check("an unknown feature", trees(|_, feature, _, _| feature[0] = 999), "asks for feature 999");
    let age = index_of("depth_mean").unwrap() as u16;
    check(
        "a feature for show",
        trees(|_, feature, _, _| feature[0] = age),
        "asks for depth_mean, which may not be scored",
    );
    check("arrays that differ", trees(|_, _, left, _| _ = left.pop()), "differ in length");
    check("a threshold of 1e39", reseal_text("0.25", "1e39"), "not finite");
    check("a threshold of 1e999", reseal_text("0.25", "1e999"), "number out of range");
    check(
        "a threshold of NaN",
        trees(|_, _, _, threshold| threshold[0] = f32::NAN),
        "invalid type: null",
    );
    check("a base of 1e39", reseal_text("\"base\":-0.5", "\"base\":-1e39"), "base is not finite");
    check("an index of -1", reseal_text("\"roots\":[0]", "\"roots\":[-1]"), "invalid value");
    check("an index of 65536", reseal_text("\"roots\":[0]", "\"roots\":[65536]"), "invalid value");

    check("a scale of 0", logistic(|scale, _| scale[3] = 0.0), "every scale above 0");
    check("too few weights", logistic(|_, weight| _ = weight.pop()), "weight has");
    check(
        "a weight for show",
        logistic(|_, weight| weight[usize::from(age)] = 1.0),
        "depth_mean has a weight",
    );

    check(
        "other names",
        reseal(|file| file.features[0] = "gap_cw".to_owned()),
        "features defined differently",
    );
    check(
        "names in another order",
        reseal(|file| file.features.swap(0, 1)),
        "features defined differently",
    );
    check("a name less", reseal(|file| _ = file.features.pop()), "features defined differently");
    check(
        "another definition",
        reseal(|file| file.definition = "0".repeat(16)),
        "features defined differently",
    );
    check("a later format", reseal(|file| file.format = 9), "format version 2 expected, 9 found");
    check(
        "an earlier format",
        reseal(|file| file.format = 1),
        "format version 2 expected, 1 found",
    );
    check(
        "no format",
        reseal_text("\"format\":2", "\"format\":null"),
        "format version 2 expected, none found",
    );
    check(
        "another kind",
        reseal_text("\"kind\":\"trees\"", "\"kind\":\"oracle\""),
        "unknown variant",
    );
    check(
        "a key unknown here",
        reseal_text("\"format\":2", "\"format\":2,\"trust\":true"),
        "unknown field `trust`",
    );
    check(
        "a key mistyped",
        reseal_text("\"name\":\"small\"", "\"nama\":\"small\""),
        "unknown field `nama`",
    );

    check(
        "another margin",
        reseal(|file| file.golden[0].margin += 0.01),
        "golden row 0 scores -2.5 instead of -2.49",
    );
    check("a margin of 1e39", reseal_text("\"margin\":-2.5}", "\"margin\":1e39}"), "golden row 0");
    check("no golden row", reseal(|file| file.golden.clear()), "no golden row");
    check(
        "a golden row cut short",
        reseal(|file| _ = file.golden[0].row.pop()),
        "golden row 0 has not",
    );
    check(
        "a limit of 1e39",
        reseal_text("\"margin\":null", "\"margin\":1e39"),
        "a threshold is not finite",
    );
    let falling = vec![[0.0, 0.9], [1.0, 0.1]];
    check(
        "a calibration that falls",
        reseal(|file| file.calibration = falling),
        "calibration must rise",
    );
    check(
        "a probability of 140 %",
        reseal(|file| file.calibration = vec![[0.0, 0.9], [1.0, 1.4]]),
        "a calibrated probability is not in 0..=1",
    );
    check(
        "a calibration too wide to lie between",
        reseal(|file| file.calibration = vec![[-3e38, 0.1], [3e38, 0.9]]),
        "calibration must rise",
    );
    check(
        "ready, and a gate failed",
        readiness(|ready| ready.gates[0].value = 0.1),
        "not what its gates say",
    );
    check(
        "failed, and no gate failed",
        readiness(|ready| ready.state = ReadinessState::Failed),
        "not what its gates say",
    );
    check(
        "forced without need",
        readiness(|ready| ready.forced = true),
        "forced, and nothing failed",
    );
    check(
        "a gate of 1e999",
        reseal_text("\"people_seen\":0", "\"people_seen\":1e999"),
        "out of range",
    );
    check("an unknown state", reseal_text("\"ready\"", "\"armed\""), "unknown variant");
    let deciles = || Deciles { edges: vec![0.1, 0.2], shares: vec![0.5, 0.2, 0.2, 0.1] };
    let drift = |change: fn(&mut Reference)| {
        reseal(|file| {
            let mut reference = Reference {
                clients: 2,
                rows: 3,
                features: vec![deciles(); COUNT],
                score: deciles(),
            };
            change(&mut reference);
            file.drift = Some(reference);
        })
    };
    assert!(Model::parse(&drift(|_| {})).is_ok());
    check("a feature less", drift(|drift| _ = drift.features.pop()), "drift is kept for");
    check(
        "edges that fall",
        drift(|drift| drift.features[3].edges = vec![0.2, 0.1]),
        "deciles 3 of the drift",
    );
    check("a share too few", drift(|drift| _ = drift.score.shares.pop()), "of the drift reference");
    check("shares of two", drift(|drift| drift.score.shares[0] = 1.0), "of the drift reference");
    check("drift of nobody", drift(|drift| drift.clients = 0), "no clients");
    check("no resolution", reseal(|file| file.resolution_us = 0), "resolution_us must be");
    check(
        "a resolution of an hour",
        reseal(|file| file.resolution_us = u32::MAX),
        "resolution_us must be",
    );
}

#[test]
fn a_model_that_is_none_is_refused_with_its_reason() {
    for (bytes, expect) in [
        (&b""[..], "too short"),
        (b"{}", "too short"),
        (&[0xff; 500], "does not end in its sha256"),
        (&b"x".repeat(500), "does not end in its sha256"),
        (&seal(&small()).unwrap()[1..], "its sha256 does not fit its content"),
    ] {
        let reason = reason(expect, bytes);
        assert!(reason.contains(expect) && reason.contains("copy it again"), "{reason}");
    }
}

#[test]
fn the_shipped_model_loads_and_its_card_is_complete() {
    let model = read_model(None).unwrap();
    let (file, card) = (model.file(), model.card());
    assert_eq!(file.name, "default");
    assert!(!card.algorithm.is_empty() && !card.parameters.is_empty() && card.rows > 1_000);
    assert!(card.trained_until_us > 0);
    assert!(
        card.data_sha256.len() == 64
            && card.data_sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
    );
    assert!(!card.data.is_empty());
    let sum = |counts: &std::collections::BTreeMap<String, u64>| counts.values().sum::<u64>();
    assert!(card.clients["human"] > 0 && card.clients["bad"] > 0);
    assert_eq!(sum(&card.clients), sum(&card.labels), "every client has the rule that labelled it");
    assert!(
        card.metrics.keys().any(|name| name.starts_with("left_out/")),
        "how good it is on a shop it never saw"
    );
    assert!(card.metrics.keys().any(|name| name.starts_with("held_out/")));
    for (name, metric) in &card.metrics {
        assert!(
            metric.people > 0 && metric.bots > 0 && (0.0..=1.0).contains(&metric.value),
            "{name}: {metric:?}"
        );
        assert!(metric.low <= metric.value && metric.value <= metric.high, "{name}: {metric:?}");
    }
    let thresholds = model.thresholds();
    assert_eq!(thresholds.block.margin, None, "a carried threshold must never block");
    assert!(!thresholds.limit.evidence.is_empty() && !thresholds.block.evidence.is_empty());
    assert!(file.golden.len() >= 3);
}

#[test]
fn a_flipped_or_shortened_shipped_model_is_refused() {
    let mut bytes = SHIPPED_MODEL.to_vec();
    for place in (0..bytes.len()).step_by(bytes.len() / 100) {
        assert!(Model::parse(&bytes[..place]).is_err());
        bytes[place] ^= 0x10;
        assert!(Model::parse(&bytes).is_err(), "byte {place}");
        bytes[place] ^= 0x10;
    }
    assert!(Model::parse(&bytes).is_ok());
}

pub fn golden(margin: f32) -> GoldenRow {
    GoldenRow { row: vec![None; COUNT], margin }
}
