//! The model in force, as a metric: one series, whatever was in force before.
//!
//! The exporter keeps every series that was ever registered, so a gate that is reloaded with a new
//! model each day would show one more each day. This one is written beside it.

use std::fmt::Write as _;

use detector::Model;
use parking_lot::Mutex;

/// Name and digest of the model in force.
#[derive(Debug, Default)]
pub(crate) struct ModelInfo(Mutex<(String, String)>);

impl ModelInfo {
    /// Names the model in force; `None` is no model.
    pub(crate) fn set(&self, model: Option<&Model>) {
        *self.0.lock() = match model {
            Some(model) => (model.file().name.clone(), model.sha256().to_owned()),
            None => ("none".to_owned(), String::new()),
        };
    }

    /// Writes what Prometheus scrapes.
    pub(crate) fn render(&self, metric: &str, help: &str, text: &mut String) {
        let (name, sha256) = &*self.0.lock();
        let name = escaped(name);
        // Text takes whatever is written to it.
        let _ = writeln!(
            text,
            "# HELP {metric} {help}\n# TYPE {metric} gauge\n\
             {metric}{{name=\"{name}\",sha256=\"{sha256}\"}} 1\n"
        );
    }
}

/// A label's value as the text format wants it: a name is whatever somebody wrote.
pub(super) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_series_and_its_name_is_escaped() {
        let info = ModelInfo::default();
        info.set(None);
        *info.0.lock() = ("a\"b\\".to_owned(), "c0ffee".to_owned());
        let mut text = String::new();
        info.render("m", "Help.", &mut text);
        let line = r#"m{name="a\"b\\",sha256="c0ffee"} 1"#;
        assert_eq!(text.lines().nth(2), Some(line));
        assert_eq!(text.lines().filter(|line| line.starts_with("m{")).count(), 1);
    }
}
