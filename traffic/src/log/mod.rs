//! Reads access logs and our own event log, line by line.
//!
//! ```text
//!  gzip, zstd or text ─► lines ─► parser of the format ─► Fields ─► Record ─► detector
//!    decompress.rs       lines.rs    combined.rs …        fields.rs  record.rs
//!                                        │ a line that cannot be read
//!                                        └─► Refusal ─► counted in the Tally
//!                                            refusal.rs    tally.rs
//! ```
//!
//! A [`LogReader`] detects the format of the log and turns each line into a [`Record`]: a request,
//! how it ended, or both. A line that cannot be read is counted in the [`Tally`], and the first
//! three are kept with the reason. Reading goes on, because one torn line must not cost a month of
//! traffic.
//!
//! | file | what it does |
//! |---|---|
//! | `reader.rs` | [`LogReader`]: one log, line by line |
//! | `chunks.rs` | one log in pieces, so that several threads can parse it |
//! | `record.rs` | [`Record`]: what one line tells, the result of every parser |
//! | `format.rs` | the formats: detects which one a log has, and calls its parser |
//! | `combined.rs` | parser: nginx and Apache `combined`, `common`, and both with a virtual host |
//! | `nginx_json.rs` | parser: one JSON object a line, keys named after nginx's variables |
//! | `elb.rs` | parser: AWS classic load balancer |
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

mod chunks;
mod clock;
mod combined;
mod cursor;
mod decompress;
mod elb;
mod error;
mod event_log;
mod excerpt;
mod fields;
mod format;
mod lines;
mod nginx_json;
mod reader;
mod record;
mod refusal;
mod span;
mod survey;
mod tally;
#[cfg(test)]
mod tests;
mod values;
mod warning;
#[cfg(test)]
mod warning_tests;

pub use chunks::{CHUNK_BYTES, Chunk, Chunks, Parsed};
pub use clock::{civil, time};
pub use decompress::decompress;
pub use error::LogError;
pub use event_log::{BanAction, BanLine, OutcomeLine, RequestLine, VERSION as EVENT_LOG_VERSION};
pub use format::Format;
pub use lines::LINE_BYTES_MAX;
pub use reader::LogReader;
pub use record::{Record, RecordKind, RecordedBan, RecordedDecision, RequestKeys};
pub use survey::Survey;
pub use tally::{Refused, Tally};
pub use warning::{REFUSED_MAX, Surveyed, Warning, is_unreadable, together};
