//! The frame of every report: head, conclusion, key figures, contents, sections, origin.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::names::Names;
use super::origin::Origin;
use super::section::{Section, unbroken};

/// The style sheet: colours for light and dark, type, print.
const STYLE: &str = include_str!("style.css");

/// A report.
#[derive(Clone, Debug)]
pub struct Page {
    kind: String,
    verdict: String,
    note: String,
    tiles: Vec<Tile>,
    sections: Vec<Section>,
    clients: Option<String>,
}

/// A key figure.
#[derive(Clone, Debug)]
pub struct Tile {
    /// What the figure is of.
    pub label: String,
    /// The figure.
    pub value: String,
    /// Its uncertainty, or what it is measured on.
    pub note: String,
}

impl Page {
    /// A page with only its conclusion, one or two sentences. `kind` is the command that made it.
    pub fn new(kind: &str, verdict: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            verdict: verdict.to_owned(),
            note: String::new(),
            tiles: Vec::new(),
            sections: Vec::new(),
            clients: None,
        }
    }

    /// Sets the note right below the conclusion.
    #[must_use]
    pub fn note(mut self, text: &str) -> Self {
        text.clone_into(&mut self.note);
        self
    }

    /// Adds a key figure below the conclusion.
    #[must_use]
    pub fn tile(mut self, label: &str, value: &str, note: &str) -> Self {
        self.tiles.push(Tile {
            label: label.to_owned(),
            value: value.to_owned(),
            note: note.to_owned(),
        });
        self
    }

    /// Says how clients are named in it, if not by their [`Names`] alone.
    #[must_use]
    pub fn clients(mut self, text: &str) -> Self {
        self.clients = Some(text.to_owned());
        self
    }

    /// Adds a section.
    #[must_use]
    pub fn with(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// The content of the file. `names` must be the same as for the sections.
    pub fn render(mut self, origin: &Origin, names: &Names) -> String {
        self.sections.extend(origin.quality(names));
        self.sections.push(origin.section(names, self.clients.as_deref()));
        let model = origin.models.first().map(|model| names.text(&model.name));
        let subject =
            model.map_or_else(|| self.kind.clone(), |model| format!("{} · {model}", self.kind));
        let title = format!("{subject} · Kidoban");
        let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; \
                form-action 'none'"
        );
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="robots" content="noindex";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#report" { "Skip to the report" }
                    header {
                        p.brand { (gate()) span { "Kidoban" } span.kind { (subject) } }
                        h1 { (unbroken(&self.verdict)) }
                        @if !self.note.is_empty() { p.note { (unbroken(&self.note)) } }
                        @if !self.tiles.is_empty() {
                            dl.tiles {
                                @for tile in &self.tiles {
                                    div { dt { (tile.label) } dd { strong {
                                        (unbroken(&tile.value)) } span { (unbroken(&tile.note)) }
                                            } }
                                }
                            }
                        }
                    }
                    nav aria-label="Contents" {
                        ul { @for section in &self.sections { li { a href={ "#" (section.id) } {
                            (section.title) } } } }
                    }
                    main #report { @for section in &self.sections { (section.render()) } }
                }
            }
        };
        page.into_string()
    }
}

/// The logo: a gate whose wicket is ajar.
fn gate() -> Markup {
    html! {
        svg.gate viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false" {
            path d="M2 7h28M5 11h22M7 7v21M25 7v21M7 28h8M16 11v17M20 11v17M16 19l-5 2v7" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Colours by name, from the `which`-th block of them.
    fn colours(which: usize) -> BTreeMap<&'static str, [f64; 3]> {
        let block = STYLE.split(":root {").nth(which + 1).unwrap().split('}').next().unwrap();
        let colour = |declared: &'static str| {
            let (name, value) = declared.trim().strip_prefix("--")?.split_once(": #")?;
            let channel = |i: usize| {
                f64::from(u8::from_str_radix(&value[2 * i..2 * i + 2], 16).unwrap()) / 255.0
            };
            Some((name, [0, 1, 2].map(channel)))
        };
        block.split(';').filter_map(colour).collect()
    }

    /// Contrast ratio of two colours by their relative luminance (WCAG 2.2).
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let linear = |channel: f64| {
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        };
        let luminance =
            |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_can_be_read_in_light_in_dark_and_in_print() {
        for which in 0..3 {
            let colours = colours(which);
            let check = |ink: &str, paper: &str| {
                let ratio = contrast(colours[ink], colours[paper]);
                assert!(ratio >= 4.5, "{ink} on {paper}, block {which}: {ratio:.2}");
            };
            for ink in ["ink", "muted", "link", "people", "bad", "good", "unknown", "warn"] {
                check(ink, "page");
                check(ink, "surface");
            }
            for (ink, papers) in [
                ("heat-ink-low", ["heat0", "heat1", "heat2"]),
                ("heat-ink-high", ["heat3", "heat4", "heat5"]),
            ] {
                papers.iter().for_each(|paper| check(ink, paper));
            }
        }
        assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn the_same_page_makes_the_same_bytes_and_allows_its_own_style_only() {
        let page = || {
            Page::new("<b>", "10 % – \"20 %\"")
                .tile("<i>", "<u>", "&")
                .with(Section::new("one", "One").empty("<p>"))
        };
        let html = page().render(&Origin::default(), &Names::shown());
        assert_eq!(html, page().render(&Origin::default(), &Names::shown()));
        for escaped in
            ["&lt;b&gt;", "10\u{a0}%\u{a0}– &quot;20", "&lt;i&gt;", "&lt;u&gt;", "&lt;p&gt;"]
        {
            assert!(html.contains(escaped), "{escaped}: {html}");
        }
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let digest = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(
            html.contains(&format!("default-src 'none'; style-src 'sha256-{digest}'"))
                && !html.contains("style=")
        );
    }
}
