//! The product from outside: through sockets, files and the command line, with nothing mocked.
//!
//! | file | what must hold |
//! |---|---|
//! | `parity.rs` | served, recorded, replayed: the same verdicts, byte for byte |
//! | `one_driver.rs` | the live engine and every reader of its log find the same verdicts, bit by bit |
//! | `isolation.rs` | nobody's verdict depends on somebody else; a reload forgets nobody |
//! | `bounded.rs` | memory has a bound, and a flood of strangers washes nobody out |
//! | `gate.rs` | shadow changes nothing, the allow list is asked first, the binary starts and stops |
//! | `guard.rs` | what no person can do is limited from the first day, and no person is |
//! | `clock.rs` | the machine's clock is set while shoppers are there |
//! | `cohorts.rs` | who is found only in company, and whom company must not hurt |
//! | `scenarios.rs` | who must be stopped and who must not, by name |
//! | `scenarios_people.rs`, `scenarios_wget.rs` | people who look like bots; a real mirroring program |
//! | `bench.rs` | the bot benchmark: people spared, the easy bots found, tested on what it was not trained on; its report |
//! | `models.rs` | a damaged or dishonest model is refused with its reason, and the last good one serves on |
//! | `model_reload.rs` | a reload that brings a bad model changes nothing |
//! | `explain.rs` | what is said of a client is true: sums, counterfactuals, decisions by their id |
//! | `explain_simulated.rs` | what is said of simulated clients, beside people and in company |
//! | `labels.rs` | labels are written whole or not at all, and proposed |
//! | `diff.rs` | whose verdict changes, and that nothing else is said to |
//! | `config.rs` | every bad configuration says where and what to do |
//! | `drift.rs` | the next day is quiet, another shop is not |
//! | `errors.rs` | errors and remarks lead to what is wrong |
//! | `evaluate.rs` | what the figures of `evaluate` stand on |
//! | `answers.rs` | what a command answers: words, JSON, exit code |
//! | `cli.rs` | what the commands print, how they end |
//! | `reading_logs.rs`, `train_to_replay.rs` | what commands say of logs; from logs to a model and a replay |
//! | `tune.rs` | what thresholds are proven by, what they cost, what is written |
//! | `tune_written.rs` | what `tune --write` puts into a configuration |
//! | `walk.rs` | the commands of docs/tuning.md, one after another |
//! | `report.rs` | a report shows what `--json` says and nobody's address, and no log can write into it |
//! | `report_figures.rs` | its figures are those of `--json` |
//! | `inspect.rs` | what is wrong with a log is said, and an ordinary one is left in peace |
//! | `log_cases.rs` | logs as servers write them are read right or refused with a remedy |
//! | `real_logs.rs` | public logs, where they are present, are detected and read |
//! | `progress.rs` | a terminal sees how far a command is, a pipe sees nothing of it |
//! | `manual.rs` | completions complete, manual pages render |
//! | `fuzz.rs` | every parser keeps its promises on mutated input |
//! | `tidy.rs` | what the documents promise about the source |
//!
//! Everything random is seeded, nothing leaves loopback, every port is 0.

// `allow-unwrap-in-tests` covers test functions only; a helper of a test may fail as loudly.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod answers;
mod bench;
mod bounded;
mod cli;
mod clock;
mod cohorts;
mod config;
mod diff;
mod drift;
mod errors;
mod evaluate;
mod explain;
mod explain_simulated;
mod fuzz;
mod gate;
mod guard;
mod inspect;
mod isolation;
mod labels;
mod log_cases;
mod manual;
mod model_reload;
mod models;
mod one_driver;
mod parity;
mod progress;
mod reading_logs;
mod real_logs;
mod replay;
mod report;
mod report_figures;
mod scenarios;
mod scenarios_people;
mod scenarios_wget;
mod support;
mod tidy;
mod train_rolling;
mod train_to_replay;
mod tune;
mod tune_proof;
mod tune_written;
mod walk;
