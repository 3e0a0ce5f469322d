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
    /// An empty section. `id` is the target of links: lower-case letters and hyphens, unique in the
    /// page.
    pub fn new(id: &'static str, title: &str) -> Self {
        Self { id, title: title.to_owned(), lead: String::new(), body: Vec::new() }
    }

    /// Sets the sentence that introduces it.
    #[must_use]
    pub fn lead(mut self, text: &str) -> Self {
        text.clone_into(&mut self.lead);
        self
    }

    /// Adds a table, a chart or any other content.
    #[must_use]
    pub fn with(mut self, body: Markup) -> Self {
        self.body.push(body);
        self
    }

    /// Adds an explanation of why there is nothing to show.
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

/// Keeps a number with its unit, and a dash with the text before it, by no-break spaces.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%").replace(" –", "\u{a0}–")
}
