//! Results as one page of HTML, made for browsers, printers and screen readers.
//!
//! ```text
//! Evaluation · Trained · … ─► Section (lead, table, chart) ─► Page ─► one file: inline SVG, no script, nothing loaded
//! ```
//!
//! - [`page`]: the frame of every report; [`section`], [`table`], [`chart`]: its parts
//! - [`names`]: pseudonyms for clients; [`origin`]: versions, digests, data quality, the command
//! - [`mod@evaluation`], [`mod@training`], [`mod@tuning`], [`mod@difference`], [`mod@drift`]: the
//!   reports (the benchmark's is in the `lab` crate); [`clients`]: rows of clients, which several
//!   reports have
//!
//! **To report another result**, make a [`Page`] with [`Section`]s:
//!
//! ```
//! use analysis::report::{Names, Origin, Page, Section, table::{Cell, Table}};
//!
//! let mut table = Table::new("Widgets by colour", &["colour", "widgets"]);
//! table.row([Cell::text("<red>"), Cell::number(3)]);
//! let page = Page::new("widgets", "Three widgets are red.").with(Section::new("colours", "Colours").with(table.render()));
//! let html = page.render(&Origin::default(), &Names::shown());
//! assert!(html.contains("&lt;red&gt;") && !html.contains("<red>"));
//! ```
//!
//! No figure is computed here: all are the result's own, as `--json` prints them. No clock is read,
//! so the same result, names and origin make the same bytes.
//!
//! **A log's text cannot become markup.** All text goes through maud, which escapes it. Marks of
//! text direction and control characters are made visible first ([`crate::format::safe`]). A policy
//! in the page's head forbids scripts and everything else except the one style sheet, which it
//! names by its digest.

pub mod chart;
pub mod clients;
pub mod difference;
pub mod drift;
pub mod evaluation;
pub mod names;
pub mod origin;
pub mod page;
pub mod section;
pub mod table;
pub mod training;
pub mod tuning;

pub use difference::difference;
pub use drift::drift;
pub use evaluation::evaluation;
pub use names::Names;
pub use origin::{ModelFacts, Origin};
pub use page::{Page, Tile};
pub use section::Section;
pub use training::training;
pub use tuning::tuning;
