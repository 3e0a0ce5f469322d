//! Equal seeds give equal bytes, also after populations are added, because models, goldens and
//! thresholds are made from simulated traffic.

use std::sync::Arc;

use crate::sim::{
    DEFAULT_START, Mix, Population, SHOPS, SimRequest, Site, Tempo, Visit, labels, simulate,
    simulate_shop, write_combined, write_json, write_labels,
};

const HOUR_US: u64 = 3_600_000_000;
/// The populations that existed when the digests were taken.
const OLD: usize = 28;

/// FNV-1a (Fowler, Noll, Vo).
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The digest of a crowd, written in both formats and with its labels.
fn written(requests: &[SimRequest]) -> u64 {
    let mut out = Vec::new();
    write_json(requests, &mut out).unwrap();
    write_combined(requests, &mut out).unwrap();
    write_labels(&labels(requests), &mut out).unwrap();
    digest(&out)
}

#[test]
fn the_shops_write_what_they_always_wrote() {
    let found = SHOPS.map(|shop| {
        (shop.name, written(&simulate_shop(&shop, 7, DEFAULT_START, 6 * HOUR_US, Some(120))))
    });
    let expect = [
        ("boutique", 13_755_719_227_340_917_028),
        ("warehouse", 7_501_606_198_538_158_421),
        ("opencart", 10_039_084_375_626_483_129),
        ("gallery", 17_342_620_248_655_256_175),
        ("spa", 10_207_161_742_372_034_792),
        ("mobile", 13_018_355_943_860_482_116),
        ("flashsale", 2_737_951_555_428_077_944),
        ("monitored", 17_275_252_876_125_293_765),
        ("outlet", 4_978_225_760_300_625_614),
        ("besieged", 5_850_755_060_397_050_422),
        ("eager", 2_354_971_557_348_264_495),
    ];
    assert_eq!(found, expect);
}

#[test]
fn a_crowd_of_everybody_is_the_crowd_it_was() {
    let mix =
        Population::ALL[..OLD].iter().fold(Mix::new(), |mix, population| mix.with(*population, 3));
    let day = simulate(&Arc::new(Site::new(5)), 5, DEFAULT_START, &mix, 12 * HOUR_US);
    let demo = simulate(&Arc::new(Site::new(1)), 1, DEFAULT_START, &Mix::of(120, 24), 12 * HOUR_US);
    assert_eq!(
        [written(&day), written(&demo)],
        [10_054_308_511_231_229_322, 7_571_140_419_261_213_403]
    );
}

#[test]
fn live_visitors_do_what_they_always_did() {
    let site = Arc::new(Site::new(3));
    let mut out = String::new();
    for population in &Population::ALL[..OLD] {
        for step in Visit::new(*population, &site, 9, Tempo::Live).take(60) {
            out += &format!("{step:?}\n").replace("VisitStep", "Step");
        }
    }
    assert_eq!(digest(out.as_bytes()), 2_979_481_572_411_721_326);
}
