//! The counters of the conversions in force, as Prometheus scrapes them.
//!
//! The exporter keeps every series that was ever registered, so a conversion that the owner renamed
//! would be shown for ever beside its new name. These series are kept and written beside it: one
//! set for each name of the configuration in force.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::conversions::StandingLabel;
use super::model_info::escaped;

/// A counter for each way in which a client may stand.
pub(super) type ByStanding = [Arc<AtomicU64>; StandingLabel::ALL.len()];

/// The names in force, and the counters of each.
#[derive(Debug, Default)]
pub(super) struct ConversionSeries(Mutex<Vec<(String, ByStanding)>>);

impl ConversionSeries {
    /// Puts these names in force and returns their counters in the same order. A name that was
    /// there before goes on counting; one that is not among them is shown no more.
    pub(super) fn put_in_force(&self, names: &[String]) -> Vec<ByStanding> {
        let mut series = self.0.lock();
        let before = std::mem::take(&mut *series);
        *series = names
            .iter()
            .map(|name| {
                let known = before.iter().find(|(known, _)| known == name);
                (name.clone(), known.map(|(_, counters)| counters.clone()).unwrap_or_default())
            })
            .collect();
        series.iter().map(|(_, counters)| counters.clone()).collect()
    }

    /// Writes what Prometheus scrapes; nothing where no conversion is named.
    pub(super) fn render(&self, metric: &str, help: &str, text: &mut String) {
        let series = self.0.lock();
        if series.is_empty() {
            return;
        }
        // Text takes whatever is written to it.
        let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} counter");
        for (name, counters) in &*series {
            let name = escaped(name);
            for (standing, counter) in StandingLabel::ALL.iter().zip(counters) {
                let (standing, count) = (standing.as_str(), counter.load(Ordering::Relaxed));
                let _ = writeln!(
                    text,
                    "{metric}{{outcome=\"{name}\",standing=\"{standing}\"}} {count}"
                );
            }
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(series: &ConversionSeries) -> Vec<String> {
        let mut text = String::new();
        series.render("m", "Help.", &mut text);
        text.lines().filter(|line| line.starts_with("m{")).map(str::to_owned).collect()
    }

    #[test]
    fn a_renamed_conversion_leaves_nothing_and_one_that_stays_goes_on() {
        let series = ConversionSeries::default();
        let name = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert_eq!(rendered(&series), Vec::<String>::new());
        let counters = series.put_in_force(&name(&["old", "buyer"]));
        counters[1][StandingLabel::Limited as usize].fetch_add(3, Ordering::Relaxed);
        assert_eq!(rendered(&series).len(), 8);
        // A request that was asked before the reload still ends in the counters of its time.
        series.put_in_force(&name(&["buyer", "a \"new\" one"]));
        counters[1][StandingLabel::Limited as usize].fetch_add(1, Ordering::Relaxed);
        let lines = rendered(&series);
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[1], r#"m{outcome="buyer",standing="limited"} 4"#);
        assert_eq!(lines[4], r#"m{outcome="a \"new\" one",standing="free"} 0"#);
    }
}
