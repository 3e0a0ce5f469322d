//! Reads access logs and our own event log, line by line.
//!
//! ```text
//!  gzip, zstd or text ─► lines ─► parser of the layout ─► Fields ─► Record ─► detector
//!    decompress.rs       lines.rs    combined.rs …        fields.rs  record.rs
//!                                        │ a line that cannot be read
//!                                        └─► Refusal ─► counted in the Tally
//!                                            refusal.rs    tally.rs
//! ```
//!
//! A [`LogReader`] finds out how the log is to be read and turns each line into a [`Record`]: a
//! request, how it ended, or both. A line that cannot be read is counted in the [`Tally`], and the
//! first three are kept with the reason. Reading goes on, because one torn line must not cost a
//! month of traffic.
//!
//! | file | what it does |
//! |---|---|
//! | `reader.rs` | [`LogReader`]: one log, line by line |
//! | `chunks.rs` | one log in pieces, so that several threads can parse it |
//! | `record.rs` | [`Record`]: what one line tells, the result of every parser |
//! | `layout.rs`, `format.rs` | how one log is read: format, carriers, trusted proxies; the names |
//! | `detect.rs` | finds the layout from a sample of the first lines |
//! | `sample.rs` | what the sample shows to be wrong: hidden clients, the newest line first |
//! | `shown.rs` | what the columns were taken for, with examples |
//! | `foreign.rs` | names what is no log that can be read, with the remedy |
//! | `wrapping.rs` | what carries lines: syslog, Docker, Kubernetes, grep |
//! | `parser.rs` | parses a line by its layout |
//! | `combined.rs` | parser: nginx and Apache `combined`, `common`, and both with a virtual host |
//! | `json.rs`, `keys.rs` | parser: one JSON object a line; what its keys mean |
//! | `ltsv.rs` | parser: labels and values with tabs between |
//! | `w3c.rs` | parser: Amazon CloudFront and Microsoft IIS |
//! | `elb.rs` | parser: AWS load balancers |
//! | `template.rs`, `template_source.rs` | parser: a compiled `log_format`; the compiler |
//! | `columns.rs`, `column_kinds.rs`, `tokens.rs` | compiles a format from what columns look like |
//! | `slots.rs` | what the parsers of named columns share: columns become fields |
//! | `address.rs` | finds the address in a field, and the client among several |
//! | `event_log.rs` | parser and writer: our own event log |
//! | `decompress.rs` | undoes gzip and zstd |
//! | `lines.rs` | cuts a stream into lines, in bounded memory |
//! | `cursor.rs` | what parsers share: steps through a line, field by field |
//! | `values.rs` | what parsers share: reads request lines, statuses, numbers and hosts |
//! | `clock.rs` | what parsers share: reads times |
//! | `fields.rs` | what a parser returns: where in the line each field is |
//! | `refusal.rs` | what a parser returns for a line that it cannot read |
//! | `tally.rs` | counts of a log: lines read and refused, times, addresses |
//! | `survey.rs` | counts of a log that warnings are based on |
//! | `warning.rs` | what is wrong with a log, and how to mend it |
//! | `error.rs` | why a log cannot be opened or read further |
//! | `excerpt.rs`, `numbers.rs` | text for messages: parts of a line, numbers |
//!
//! **To add a format**: write its parser in a file of its own, add a variant to [`Format`] and a
//! row to the table above (`CONTRIBUTING.md` has the steps).
//!
//! Times are taken as they stand in the log. nginx stamps the end of a request, Apache and the load
//! balancer stamp its start. Nothing is corrected here, because not every log says enough to do it.
//!
//! Cost: a `combined` line takes about 0.3 µs and allocates nothing.

mod address;
mod challenge_line;
mod chunks;
mod clock;
mod column_kinds;
mod columns;
mod combined;
mod cursor;
mod decompress;
mod detect;
mod elb;
mod error;
mod event_log;
mod excerpt;
mod fields;
mod foreign;
mod format;
mod json;
mod keys;
mod layout;
#[cfg(test)]
mod layout_tests;
mod lines;
mod ltsv;
mod parser;
mod reader;
mod record;
mod refusal;
mod sample;
mod shown;
mod slots;
mod span;
mod survey;
mod tally;
mod template;
mod template_source;
#[cfg(test)]
mod tests;
mod tokens;
mod values;
mod w3c;
mod warning;
#[cfg(test)]
mod warning_tests;
mod wrapping;

pub use challenge_line::{ChallengeLine, ChallengeResult};
pub use chunks::{CHUNK_BYTES, Chunk, Chunks, Parsed};
pub use clock::{civil, time};
pub use decompress::decompress;
pub use error::LogError;
pub use event_log::{BanAction, BanLine, OutcomeLine, RequestLine, VERSION as EVENT_LOG_VERSION};
pub use format::Format;
pub use layout::{LineFormat, ReadOptions};
pub use lines::LINE_BYTES_MAX;
pub use reader::LogReader;
pub use record::{
    Record, RecordKind, RecordedBan, RecordedChallenge, RecordedDecision, RequestKeys,
};
pub use shown::{Shown, ShownColumn};
pub use survey::Survey;
pub use tally::{REFUSED_MAX, Refused, Tally};
pub use warning::{Surveyed, Warning, together};
