//! The CSV of labels.

use detector::ClientKey;
use trainer::Labels;

const FILE: &str = "labels.csv";

/// A file that is refused names its line. Of one that is read, neither the order of the lines nor a
/// second copy of them changes anybody's label.
pub fn labels(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let labels = match Labels::parse(FILE, &text) {
        Ok(labels) => labels,
        Err(error) => {
            assert!((1..=text.lines().count().max(1)).contains(&error.line), "{error}");
            assert!(error.to_string().starts_with(&format!("{FILE}:{}: ", error.line)));
            return;
        }
    };
    let mut lines: Vec<&str> = text.lines().collect();
    assert!(labels.len() < lines.len(), "at most one client a line, after the header");

    lines[1..].reverse();
    let reversed = Labels::parse(FILE, &lines.join("\n")).expect("only the order has changed");
    lines.extend_from_within(1..);
    let twice = Labels::parse(FILE, &lines.join("\n")).expect("every line could be read before");
    assert_eq!((reversed.len(), twice.len()), (labels.len(), labels.len()));
    // The fields of a line are not given out; a client without quotes can be told all the same.
    for line in &lines[1..] {
        let client = line.split(',').next().unwrap_or_default().trim();
        let label = |labels: &Labels| {
            labels.find(ClientKey::from_text(client)).map(|labelled| labelled.label)
        };
        assert_eq!((label(&reversed), label(&twice)), (label(&labels), label(&labels)), "{client}");
    }
}
