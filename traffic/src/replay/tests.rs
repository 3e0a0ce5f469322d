//! Walks on several threads give what a walk on one gives, and every failure is an error.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, BufReader, Cursor, Read};

use detector::{ClientKey, Timestamp};

use super::*;
use crate::log::{LogReader, Record};

/// 2016-02-20, midnight UTC.
const DAY: i64 = 1_455_926_400;

/// Lists the targets of each client's requests, and fails where it is told to.
#[derive(Clone, Copy, Default)]
struct Listing {
    panics_at: Option<Place>,
    /// Reports too many bans when there are several watchers.
    needs_one_thread: bool,
}

/// Where a pass panics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Step,
    Pass,
}

impl Pass for Listing {
    type Step = (ClientKey, String);
    type Watch = Vec<(ClientKey, String)>;

    fn step(&self, record: &Record<'_>) -> Self::Step {
        assert!(self.panics_at != Some(Place::Step) || record.target != "/500");
        (record.client_key(), record.target.to_owned())
    }

    fn group(&self, (client, _): &Self::Step) -> usize {
        client.to_string().len()
    }

    fn watch(&self) -> Self::Watch {
        Vec::new()
    }

    fn pass(&self, step: Self::Step, watch: &mut Self::Watch) {
        assert!(self.panics_at != Some(Place::Pass) || step.1 != "/500");
        watch.push(step);
    }

    fn check(&self, watches: &[Self::Watch]) -> Result<(), TooManyBans> {
        let is_doubtful = self.needs_one_thread && watches.len() > 1;
        if is_doubtful { Err(TooManyBans { banned: 3, room: 2 }) } else { Ok(()) }
    }
}

/// Logs in memory, and how often they were opened.
struct InMemory {
    texts: Vec<String>,
    is_file: bool,
    opened: Cell<u32>,
}

impl LogFiles for InMemory {
    type Error = ReplayError;

    fn open(&self) -> Result<Vec<Reader>, ReplayError> {
        self.opened.set(self.opened.get() + 1);
        Ok(self.texts.iter().map(|text| reader(Cursor::new(text.clone()))).collect())
    }

    fn can_be_reopened(&self) -> bool {
        self.is_file
    }
}

fn reader(text: impl Read + Send + 'static) -> Reader {
    let input: Input = Box::new(BufReader::new(text));
    LogReader::new("access.log", input).unwrap()
}

/// `lines` requests from clients whose names differ in length, some lines seconds out of order.
fn log(first: usize, lines: usize) -> String {
    let mut text = String::new();
    for number in first..first + lines {
        let client = ["192.0.2.7", "192.0.2.17", "198.51.100.170"][number % 3];
        let second = number / 100 + if number % 7 == 0 { 0 } else { 2 };
        let (minute, second) = (second / 60, second % 60);
        let _ = writeln!(
            text,
            "{client} - - [20/Feb/2016:00:{minute:02}:{second:02} +0000] \"GET /{number} \
                HTTP/1.1\" \
             200 1 \"-\" \"-\""
        );
    }
    text
}

fn in_memory(is_file: bool) -> InMemory {
    InMemory { texts: vec![log(0, 8_000), log(1, 3_000)], is_file, opened: Cell::new(0) }
}

/// The targets of each client in the order in which they were passed.
fn by_client(watches: Vec<Vec<(ClientKey, String)>>) -> Vec<(ClientKey, String)> {
    let mut all: Vec<_> = watches.into_iter().flatten().collect();
    all.sort_by_key(|(client, _)| *client); // stable: a client's order stays
    all
}

#[test]
fn several_threads_pass_every_client_in_the_same_order_as_one() {
    let walked = |jobs| walk_parallel(jobs, in_memory(true).open().unwrap(), &Listing::default());
    let (tallies, watches) = walked(1).unwrap();
    assert_eq!(watches.len(), 1);
    let one = (tallies, by_client(watches));
    assert_eq!(one.1.len(), 11_000);
    for jobs in [2, 3, 7] {
        let (tallies, watches) = walked(jobs).unwrap();
        assert_eq!(watches.len(), jobs);
        assert!((tallies, by_client(watches)) == one, "{jobs} jobs");
    }
}

#[test]
fn a_walk_that_needs_one_thread_opens_files_again_and_cannot_open_a_pipe_again() {
    let fresh = || Listing { needs_one_thread: true, ..Listing::default() };
    let files = in_memory(true);
    let walked = walk_twice_if_needed(2, &files, fresh).unwrap();
    assert_eq!((files.opened.get(), walked.watches.len()), (2, 1));
    let pipe = in_memory(false);
    let error = walk_twice_if_needed(2, &pipe, fresh).err().unwrap();
    assert_eq!(pipe.opened.get(), 1);
    assert_eq!(
        error.to_string(),
        "3 clients would be banned and there is room for 2, so it matters who was banned first: \
         replay with --jobs 1"
    );
}

#[test]
fn a_walk_that_needs_no_second_reading_opens_its_logs_once() {
    let files = in_memory(true);
    let walked = walk_twice_if_needed(2, &files, Listing::default).unwrap();
    assert_eq!((files.opened.get(), walked.watches.len(), walked.tallies.len()), (1, 2, 2));
}

#[test]
fn a_panic_of_any_thread_is_an_error() {
    let error = |place| {
        let pass = Listing { panics_at: Some(place), ..Listing::default() };
        walk_parallel(2, in_memory(true).open().unwrap(), &pass).unwrap_err().to_string()
    };
    assert_eq!(error(Place::Pass), "a replaying thread has panicked");
    let parsing = error(Place::Step);
    assert!(parsing.ends_with("a reading thread has panicked"), "{parsing}");
}

/// Gives one log and then fails.
struct Broken(Cursor<String>);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            bytes => Ok(bytes),
        }
    }
}

#[test]
fn a_log_that_breaks_off_is_the_same_error_on_any_number_of_threads() {
    for jobs in [1, 2, 3] {
        let readers = vec![reader(Broken(Cursor::new(log(0, 3_000))))];
        let error = walk_parallel(jobs, readers, &Listing::default()).unwrap_err();
        assert!(matches!(error, ReplayError::Log(_)), "{error:?}");
        assert_eq!(
            error.to_string(),
            "access.log:3001: cannot be read on from here: the disk is gone",
            "{jobs} jobs"
        );
    }
}

#[test]
fn the_newest_time_is_that_of_the_latest_line_of_all_logs() {
    let readers = in_memory(true).open().unwrap();
    assert_eq!(newest_time(2, readers).unwrap(), Some(Timestamp::from_secs(DAY + 81)));
    assert_eq!(newest_time(2, Vec::new()).unwrap(), None);
}
