//! A part of a report with a heading of its own.

use maud::{Markup, html};

/// A part of a report with a heading of its own.
#[derive(Clone, Debug)]
pub struct Section {
    pub(super) id: &'static str,
    pub(super) title: String,
    lead: String,
    body: Vec<Markup>,
}

impl Section {
    /// A section with nothing in it. `id`: where links lead, of lower-case letters and hyphens,
    /// once a page.
    pub fn new(id: &'static str, title: &str) -> Self {
        Self { id, title: title.to_owned(), lead: String::new(), body: Vec::new() }
    }

    /// The sentence that says what there is to see.
    #[must_use]
    pub fn lead(mut self, text: &str) -> Self {
        text.clone_into(&mut self.lead);
        self
    }

    /// Adds a table, a chart or anything else.
    #[must_use]
    pub fn with(mut self, body: Markup) -> Self {
        self.body.push(body);
        self
    }

    /// In the place of what cannot be shown.
    #[must_use]
    pub fn empty(self, why: &str) -> Self {
        self.with(html! { p.empty { (why) } })
    }
}

impl Section {
    pub(super) fn render(&self) -> Markup {
        let heading = format!("{}-heading", self.id);
        html! {
            section id=(self.id) aria-labelledby=(heading) {
                h2 id=(heading) { (self.title) }
                @if !self.lead.is_empty() { p.lead { (unbroken(&self.lead)) } }
                @for body in &self.body { (body) }
            }
        }
    }
}

/// A number stays with its unit, and a dash with what it comes after.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%").replace(" –", "\u{a0}–")
}
