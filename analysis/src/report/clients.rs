//! Rows of clients in a report.

use maud::{Markup, html};
use trainer::label::Label;

use super::names::Names;
use super::table::{Cell, Table};
use crate::client_summary::{ClientSummary, FeatureContribution};
use crate::explain::value;
use crate::format::score;

/// A label in plain words, for many clients.
pub fn label(label: Label) -> &'static str {
    match label {
        Label::Human => "people",
        Label::Bad => "bad robots",
        Label::GoodBot => "good robots",
        Label::Unknown => "unknown",
    }
}

/// A label in plain words, for one client.
fn label_of_one(label: Label) -> &'static str {
    match label {
        Label::Human => "person",
        Label::Bad => "bad robot",
        Label::GoodBot => "good robot",
        Label::Unknown => "unknown",
    }
}

/// The label's class in the style sheet, and its sign for readers who do not see colours.
pub fn sign(label: Label) -> (&'static str, &'static str) {
    match label {
        Label::Human => ("people", "●"),
        Label::Bad => ("bad", "▲"),
        Label::GoodBot => ("good", "■"),
        Label::Unknown => ("unknown", "○"),
    }
}

/// The label with its sign.
pub fn tag(of: Label) -> Markup {
    let (class, sign) = sign(of);
    html! { span.tag.(class) { span aria-hidden="true" { (sign) } " " (label_of_one(of)) } }
}

/// Clients with score, label, reasons and the path they asked for most. Columns without any value
/// are left out.
pub fn table(caption: &str, clients: &[ClientSummary], names: &Names) -> Markup {
    let has_refused = clients.iter().any(|client| client.refused.is_some());
    let has_browsers = clients.iter().any(|client| client.browsers.is_some());
    let has_path = clients.iter().any(|client| client.path.is_some());
    let columns = [
        ("client", true),
        ("score", true),
        ("at request", clients.iter().any(|client| client.at_request.is_some())),
        ("requests", true),
        ("pages", true),
        ("refused", has_refused),
        ("browsers", has_browsers),
        ("label", true),
        ("what spoke for it, in log-odds", true),
        ("asked for most", has_path),
    ];
    let shown: Vec<usize> = (0..columns.len()).filter(|&column| columns[column].1).collect();
    let heading: Vec<&str> = shown.iter().map(|&column| columns[column].0).collect();
    let mut table = Table::new(caption, &heading);
    for client in clients {
        let number = |number: Option<u64>| number.map_or_else(Cell::none, Cell::number);
        let cells = [
            Cell::code(&names.client(&client.client)).of("client"),
            client.score.map_or_else(Cell::none, |value| Cell::figure(&score(value))),
            number(client.at_request),
            Cell::number(client.requests),
            Cell::number(client.pages),
            number(client.refused),
            number(client.browsers.map(u64::from)),
            Cell::markup(labelled(client, names)),
            Cell::markup(reasons(&client.because)),
            Cell::code(
                &client.path.as_deref().map_or_else(|| "–".to_owned(), |path| names.text(path)),
            )
            .of("path"),
        ];
        table.row(shown.iter().map(|&column| cells[column].clone()));
    }
    table.render()
}

fn labelled(client: &ClientSummary, names: &Names) -> Markup {
    html! {
        (tag(client.label))
        @if !client.why.is_empty() { br; small.why { bdi { (names.text(&client.why)) } } }
    }
}

fn reasons(because: &[FeatureContribution]) -> Markup {
    html! {
        @if because.is_empty() { "–" } @else {
            ul.reasons {
                @for spoken in because {
                    li {
                        (spoken.words) " "
                        span.part { b { (value(spoken.feature, spoken.value.unwrap_or(f32::NAN)))
                            } " " small { "+" (format!("{:.1}", spoken.part)) } }
                    }
                }
            }
        }
    }
}
