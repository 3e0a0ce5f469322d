//! `--people-path`: whoever was served such a path is a person.

use std::collections::HashSet;

use detector::ClientKey;
use traffic::log::{Record, RecordKind};
use trainer::label::Labelled;
use trainer::poison::OUTCOME;
use trainer::{Label, Site};

/// The clients that were served a path that only people come to.
pub struct Served<'a> {
    paths: &'a [String],
    clients: HashSet<ClientKey>,
}

impl<'a> Served<'a> {
    pub fn new(paths: &'a [String]) -> Self {
        Self { paths, clients: HashSet::new() }
    }

    /// Looks at a record. A redirect proves nothing yet: the page that it leads to has to be
    /// served.
    pub fn see(&mut self, record: &Record<'_>) {
        let is_served = record.kind == RecordKind::Whole && (200..300).contains(&record.status);
        if is_served && self.paths.iter().any(|path| record.target.starts_with(path.as_str())) {
            self.clients.insert(record.client_key());
        }
    }

    /// Labels them as people. A label written by hand, or an attack in the log, is stronger
    /// evidence than one page served.
    pub fn vouch(&self, site: &mut Site, labels_are_given: bool) {
        let is_open =
            |label| matches!(label, Label::Unknown) || (!labels_are_given && label == Label::Human);
        let served = |client: &&mut trainer::site::Client| self.clients.contains(&client.key);
        for client in site.clients.iter_mut().filter(served) {
            if is_open(client.labelled.label) {
                client.labelled = Labelled {
                    label: Label::Human,
                    why: format!("{OUTCOME}was served a people path"),
                };
            }
        }
    }
}
