//! Where a report's figures come from: lines read and not read, versions, digests, the command.

use maud::{Markup, html};

use super::names::Names;
use super::section::Section;
use super::table::{Cell, Table};
use crate::format::{self, count, counted, percent};
use crate::sources::LogRead;

/// With a larger share of private addresses, a log has its proxy's addresses instead of its
/// clients'.
const PRIVATE_SHARE_MAX: f64 = 0.5;

/// What a report was made from. Empty parts are left out.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The command line, quoted for a shell.
    pub command: String,
    /// Version of the product.
    pub version: String,
    /// Each model that was used or made.
    pub models: Vec<ModelFacts>,
    /// Logs read.
    pub logs: Vec<LogRead>,
    /// Further digests: of what, and the SHA-256 in hex.
    pub digests: Vec<(String, String)>,
}

/// Identity of a model.
#[derive(Clone, Debug, Default)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// Version of the product that trained it.
    pub product: String,
    /// Its algorithm.
    pub algorithm: String,
    /// Time of the last event that it was trained on, UTC.
    pub trained_until: String,
    /// SHA-256 over its training logs.
    pub data_sha256: String,
}

impl From<&detector::Model> for ModelFacts {
    fn from(model: &detector::Model) -> Self {
        Self { sha256: model.sha256().to_owned(), ..Self::from(model.file()) }
    }
}

impl From<&detector::model::File> for ModelFacts {
    /// Without the digest, which only a sealed model has.
    fn from(file: &detector::model::File) -> Self {
        Self {
            name: file.name.clone(),
            sha256: String::new(),
            product: file.product.clone(),
            algorithm: file.card.algorithm.clone(),
            trained_until: format::time(detector::Timestamp::from_micros(
                file.card.trained_until_us,
            )),
            data_sha256: file.card.data_sha256.clone(),
        }
    }
}

impl Origin {
    /// The section on how many lines of each log were read.
    pub(super) fn quality(&self, names: &Names) -> Option<Section> {
        if self.logs.is_empty() {
            return None;
        }
        let sum = |of: fn(&LogRead) -> u64| self.logs.iter().map(of).sum::<u64>();
        let (lines, parsed, refused) =
            (sum(|log| log.lines), sum(|log| log.parsed), sum(|log| log.refused));
        let lead = match refused {
            0 => format!("All {} were read.", counted(lines, "line")),
            _ => format!(
                "{} of {} could not be read ({}).",
                count(refused),
                counted(lines, "line"),
                percent(refused as f64 / lines.max(1) as f64)
            ),
        };
        let heading = [
            "log",
            "lines",
            "read",
            "not read",
            "blank",
            "mended",
            "out of order",
            "private addresses",
            "first",
            "last",
        ];
        let mut table = Table::new("Lines of each log", &heading);
        for log in &self.logs {
            let numbers = [
                log.lines,
                log.parsed,
                log.refused,
                log.blank,
                log.repaired,
                log.out_of_order,
                log.private_addresses,
            ];
            let time = |at: &Option<String>| Cell::text(at.as_deref().unwrap_or("–"));
            let cells =
                [Cell::text(&names.text(&log.log))].into_iter().chain(numbers.map(Cell::number));
            table.row(cells.chain([time(&log.first_at), time(&log.last_at)]));
        }
        let mut section =
            Section::new("data-quality", "Data quality").lead(&lead).with(table.render());
        if parsed > 0 && sum(|log| log.private_addresses) as f64 > PRIVATE_SHARE_MAX * parsed as f64
        {
            section = section.with(html! {
                p.warning { "Most clients have private addresses: the log may hold a proxy's \
                    address and not the client's. Set "
                    code { "trusted_proxies" } " at the edge that writes it." }
            });
        }
        let examples =
            self.logs.iter().flat_map(|log| log.first_refused.iter().map(move |line| (log, line)));
        let mut refused =
            Table::new("The first lines that could not be read", &["log", "line", "why"]);
        for (log, line) in examples {
            // An unreadable line can have an address anywhere, so it is shown only with
            // --show-clients.
            let why = match names.are_hidden() {
                false => format!("{} — {}", line.reason, line.excerpt),
                true => line
                    .reason
                    .split_once(", found")
                    .map_or(line.reason.as_str(), |(why, _)| why)
                    .to_owned(),
            };
            let cells = [
                Cell::text(&names.text(&log.log)),
                Cell::number(line.line),
                Cell::code(&names.text(&why)),
            ];
            refused.row(cells);
        }
        Some(if refused.is_empty() { section } else { section.with(refused.render()) })
    }

    /// The section on versions, digests and the command. `clients` says how clients are named, if
    /// not by their names alone.
    pub(super) fn section(&self, names: &Names, clients: Option<&str>) -> Section {
        let list = html! {
            dl.facts {
                @for (term, value) in self.facts(names) {
                    div { dt { (term) } dd { (value) } }
                }
            }
        };
        let who = if let Some(clients) = clients {
            clients
        } else if names.are_hidden() {
            "Clients are pseudonyms: HMAC-SHA-256 of the log's client field under a key that is \
                not in this file. The same name is the same \
             client throughout. With the same key (--pseudonym-key) another report calls them the \
             same; --show-clients shows them as they are."
        } else {
            "Clients are shown as the log calls them: this file holds personal data."
        };
        Section::new("origin", "Where this comes from").lead(who).with(list)
    }

    fn facts(&self, names: &Names) -> Vec<(String, Markup)> {
        let mut facts = Vec::new();
        let mut fact = |term: &str, value: &str| {
            if !value.is_empty() {
                facts.push((term.to_owned(), html! { code { (names.whole_text(value)) } }));
            }
        };
        fact("Command", &self.command);
        fact("Kidoban", &self.version);
        for model in &self.models {
            let of = |what: &str| {
                if self.models.len() > 1 {
                    format!("{what} of {}", names.text(&model.name))
                } else {
                    what.to_owned()
                }
            };
            fact(&of("Model"), &model.name);
            fact(&of("Model’s SHA-256"), &model.sha256);
            fact(&of("Algorithm"), &model.algorithm);
            fact(&of("Trained by"), &model.product);
            fact(&of("Trained until (UTC)"), &model.trained_until);
            fact(&of("Training logs’ SHA-256"), &model.data_sha256);
        }
        for (what, sha256) in &self.digests {
            fact(&format!("{}: SHA-256", names.whole_text(what)), sha256);
        }
        facts
    }
}
