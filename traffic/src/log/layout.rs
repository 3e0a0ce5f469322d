//! How the lines of one log are read. It is found once from a sample of them (`detect.rs`) or
//! given, and does not change.

use detector::Timestamp;

use super::address::ClientRule;
use super::format::Format;
use super::shown::Shown;
use super::template::Template;
use super::template_source::compile;
use super::w3c::Columns;
use super::warning::Warning;
use super::wrapping::Wrapping;
use crate::forwarded::TrustedProxies;

/// A line format that somebody gave: nginx's `log_format` or Apache's `LogFormat`, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFormat(pub(super) Template);

impl LineFormat {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn compile(format: &str) -> Result<Self, String> {
        compile(format).map(Self)
    }
}

/// What the caller knows about logs before they are opened.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The proxies whose lists of addresses are believed.
    pub trusted: TrustedProxies,
    /// The format of the lines; it is found out where it is not given.
    pub format: Option<LineFormat>,
}

/// How the lines of one log are read.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// What stands around each line, from the outside.
    pub(super) wrappings: Vec<Wrapping>,
    /// The columns of [`Format::Columns`].
    pub(super) template: Template,
    /// The columns of [`Format::W3c`].
    pub(super) columns: Columns,
    pub(super) rule: ClientRule,
    /// The times that a line of this log can have; others are refused.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// What the sample shows to be wrong.
    pub(super) warnings: Vec<Warning>,
    /// What the columns were taken for.
    pub(super) shown: Shown,
}

impl Layout {
    /// Lines of this format, about which nothing else is known.
    pub(super) fn of(format: Format) -> Self {
        Self {
            format,
            wrappings: Vec::new(),
            template: Template::default(),
            columns: Columns::default(),
            rule: ClientRule::default(),
            times: None,
            warnings: Vec::new(),
            shown: Shown::default(),
        }
    }

    /// The format in words, with what stands around it.
    pub(super) fn describe(&self) -> String {
        let mut text = self.format.to_string();
        for wrapping in self.wrappings.iter().rev() {
            text += &format!(" in {wrapping}");
        }
        text
    }
}
