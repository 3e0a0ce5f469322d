//! How much memory a site's traffic takes, and that reading ends before it takes more than it may.

#![allow(clippy::unwrap_used)] // in a test a failing unwrap is a failing test

use std::io::{BufReader, Write};
use std::sync::Arc;

use allocation_counter::measure;
use detector::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use traffic::log::{LogReader, Record, decompress};
use traffic::replay::Traffic;
use traffic::sim::{self, Mix};
use trainer::{Site, SiteBuilder, TooMuchTraffic};

const MIB: u64 = 1 << 20;

fn read(log: &[u8], memory_max_bytes: u64) -> Result<Site, TooMuchTraffic> {
    let log = std::io::Cursor::new(log.to_vec());
    let mut reader = LogReader::new("site.log", decompress(BufReader::new(log))).unwrap();
    let mut builder = SiteBuilder::with_memory_max(memory_max_bytes);
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record)?;
    }
    builder.finish("shop", 1_000, None)
}

#[test]
fn a_simulated_days_lines_take_about_a_hundred_bytes_each() {
    let shop = Arc::new(sim::Site::new(1));
    let start = Timestamp::from_secs(1_763_683_200);
    let day = sim::simulate(&shop, 1, start, &Mix::of(600, 60), 86_400 * MIB);
    let mut log = Vec::new();
    sim::write_json(&day, &mut log).unwrap();
    let mut reader = LogReader::new("day.log", &log[..]).unwrap();
    let mut builder = SiteBuilder::default();
    let mut site = None;
    let taken = measure(|| {
        while let Some(record) = reader.next().unwrap() {
            builder.note(&record).unwrap();
        }
        site = Some(builder.finish("shop", 1_000, None).unwrap());
    });
    let lines = site.unwrap().traffic.len();
    let [peak, kept] = [taken.bytes_max, taken.bytes_current as u64].map(|bytes| bytes / lines);
    assert!(lines > 50_000 && peak < 112 && kept < 106, "{lines} lines: {peak} and {kept} bytes");
}

/// Notes the records that `change` makes, by number, until it is too much.
fn fill(memory_max_bytes: u64, change: impl Fn(u64, &mut [String; 4])) -> TooMuchTraffic {
    let mut builder = SiteBuilder::with_memory_max(memory_max_bytes);
    let mut texts = ["192.0.2.1", "/", "Firefox", ""].map(str::to_owned);
    for number in 0..10_000_000 {
        change(number, &mut texts);
        let [client, target, agent, referer] = &texts;
        let record = Record {
            client,
            target,
            at: Timestamp::from_micros(number as i64),
            user_agent: Some(agent),
            referer: Some(referer),
            ..Record::default()
        };
        if let Err(error) = builder.note(&record) {
            return error;
        }
    }
    panic!("ten million requests are within {memory_max_bytes} bytes");
}

#[test]
fn reading_ends_before_more_is_taken_than_allowed_whatever_the_lines_are() {
    let max = 48 * MIB;
    let check = |name: &str, change: &dyn Fn(u64, &mut [String; 4])| {
        let mut error = None;
        let taken = measure(|| error = Some(fill(max, change)));
        let error = error.unwrap();
        // Not far below either: a table that would have to double is refused at a third.
        let is_near = (max / 4..=max).contains(&taken.bytes_max);
        assert!(is_near, "{name}: {} bytes, {error}", taken.bytes_max);
        assert!(error.bytes > max && error.bytes_max == Some(max), "{name}: {error:?}");
    };
    check("equal lines", &|_, _| {});
    check("a target each", &|number, texts| texts[1] = format!("/{number}"));
    let long = "x".repeat(8_000);
    check("a long target each", &|number, texts| texts[1] = format!("/{number}{long}"));
    check("a client each", &|number, texts| {
        let [a, b, c] = [number >> 16, number >> 8, number].map(|part| part & 0xff);
        texts[0] = format!("10.{a}.{b}.{c}");
    });
    check("a named client each", &|number, texts| texts[0] = format!("{number}{long}"));
    check("a user agent each", &|number, texts| texts[2] = format!("{number}{long}"));
}

#[test]
fn what_fits_can_be_put_in_order_within_the_limit() {
    // Backwards, which costs most.
    let mut log = Vec::new();
    for number in (0..200_000_u32).rev() {
        let (hour, minute, second) = (number / 10_000, number / 167 % 60, number % 60);
        writeln!(
            log,
            "192.0.2.{} - - [21/Nov/2025:{hour:02}:{minute:02}:{second:02} +0000] \"GET / \
             HTTP/1.1\" 200 9 \"-\" \"-\"",
            number % 250
        )
        .unwrap();
    }
    let max = 24 * MIB;
    let mut site = None;
    let taken = measure(|| {
        let mut reader = LogReader::new("site.log", &log[..]).unwrap();
        let mut builder = SiteBuilder::with_memory_max(max);
        while let Some(record) = reader.next().unwrap() {
            builder.note(&record).unwrap();
        }
        site = Some(builder.finish("shop", 1_000, None).unwrap());
    });
    // A reader takes some memory itself.
    assert!(taken.bytes_max <= max + MIB, "{} bytes", taken.bytes_max);
    let mut times = Vec::new();
    site.unwrap().walk(|step| times.push(step.event.at));
    assert!(times.len() == 200_000 && times.is_sorted());
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one_ends_in_a_sentence() {
    let line = "192.0.2.1 - - [21/Nov/2025:10:00:00 +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"-\"\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let thousand = line.repeat(1_000);
    (0..400).for_each(|_| packed.write_all(thousand.as_bytes()).unwrap());
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 200_000, "{} bytes", packed.len());
    let error = read(&packed, 16 * MIB).unwrap_err();
    assert!((50_000..300_000).contains(&error.requests), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("too much traffic for one site: "), "{said}");
    assert!(said.contains("16.0 MiB") && said.ends_with("raise the limit with --memory-max"));
    assert_eq!(read(&packed, 64 * MIB).unwrap().traffic.len(), 400_000);
}
