//! Tables with a caption, headed columns and, if rows have names, headed rows.

use maud::{Markup, html};

use crate::format::count;

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    content: Content,
    is_number: bool,
    /// A class of the style sheet, for its colour.
    class: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String),
    Code(String),
    /// A number with a note below it.
    Noted(String, String),
    Markup(Markup),
}

impl Cell {
    /// Left-aligned text.
    pub fn text(text: &str) -> Self {
        Self { content: Content::Text(text.to_owned()), is_number: false, class: None }
    }

    /// Text of a log, or a name: in a fixed-width font, broken anywhere if too long, with a text
    /// direction of its own.
    pub fn code(text: &str) -> Self {
        Self { content: Content::Code(text.to_owned()), is_number: false, class: None }
    }

    /// A right-aligned count.
    pub fn number(number: u64) -> Self {
        Self::figure(&count(number))
    }

    /// A right-aligned number that is already text.
    pub fn figure(text: &str) -> Self {
        Self { content: Content::Text(text.to_owned()), is_number: true, class: None }
    }

    /// A right-aligned number that is already text, with a note below it.
    pub fn noted(text: &str, note: &str) -> Self {
        Self {
            content: Content::Noted(text.to_owned(), note.to_owned()),
            is_number: true,
            class: None,
        }
    }

    /// A dash, for a missing value.
    pub fn none() -> Self {
        Self::figure("–")
    }

    /// Any other content.
    pub fn markup(markup: Markup) -> Self {
        Self { content: Content::Markup(markup), is_number: false, class: None }
    }

    /// Adds a class of the style sheet.
    #[must_use]
    pub fn of(mut self, class: &'static str) -> Self {
        self.class = Some(class);
        self
    }
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    heading: Vec<String>,
    rows: Vec<Vec<Cell>>,
    is_broad: bool,
}

impl Table {
    /// An empty table with this caption and heading. The first cell of a row is the row's name.
    pub fn new(caption: &str, heading: &[&str]) -> Self {
        let heading = heading.iter().map(|&cell| cell.to_owned()).collect();
        Self { caption: caption.to_owned(), heading, rows: Vec::new(), is_broad: false }
    }

    /// Makes it a table of many columns: they are narrow, and the first stays visible when it is
    /// scrolled.
    #[must_use]
    pub fn broad(mut self) -> Self {
        self.is_broad = true;
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as HTML. A wide one scrolls within its frame, also by keyboard.
    pub fn render(&self) -> Markup {
        let is_number = |column: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(column));
            !self.rows.is_empty() && cells.all(|cell| cell.is_number)
        };
        html! {
            div.scroll .broad[self.is_broad] role="region" aria-label=(self.caption) tabindex="0" {
                table {
                    caption { (self.caption) }
                    thead {
                        tr {
                            @for (column, heading) in self.heading.iter().enumerate() {
                                th scope="col" .number[is_number(column)] { (heading) }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr { @for (column, cell) in row.iter().enumerate() {
                                (cell.render(column == 0)) } }
                        }
                    }
                }
            }
        }
    }
}

impl Cell {
    fn render(&self, is_name: bool) -> Markup {
        let class = self.class.unwrap_or_default();
        let content = html! {
            @match &self.content {
                Content::Text(text) => { (text) }
                Content::Code(text) => { code { bdi { (text) } } }
                Content::Noted(text, note) => { (text) br; small { (note) } }
                Content::Markup(markup) => { (markup) }
            }
        };
        html! {
            @if is_name {
                th scope="row" .number[self.is_number] .(class)[!class.is_empty()] { (content) }
            } @else {
                td .number[self.is_number] .(class)[!class.is_empty()] { (content) }
            }
        }
    }
}
