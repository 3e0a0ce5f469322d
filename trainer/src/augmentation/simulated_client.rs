//! A simulated client: its window, and its requests that are not answered yet.

use detector::{AllowList, Class, ClientKey, Event, Features, Request, Timestamp, UrlHasher};
use traffic::replay::Driver;
use traffic::sim::{Population, SimRequest};

use crate::samples::SCHEDULE;
use crate::site::OFFLINE_HASH_KEY;
use crate::unjudged::{UnjudgedClient, UnjudgedWindow};

/// No simulated shop, log or benchmark draws with this seed, so none has the same visitors.
pub(super) const SEED: u64 = 0x6775_6573_7473;
pub(super) const HOUR_US: u64 = 3_600_000_000;

/// One row of a simulated client.
#[derive(Clone, Debug)]
pub(super) struct SimulatedRow {
    /// Population, and how many people share the address.
    pub kind: (Population, usize),
    /// Is it a bot?
    pub bad: bool,
    /// The client's number.
    pub number: u64,
    pub features: Features,
}

impl SimulatedRow {
    /// Its kind.
    pub fn key(&self) -> (bool, &'static str, usize) {
        (self.bad, self.kind.0.name(), self.kind.1)
    }
}

/// A window that is driven by simulated requests.
pub(super) struct SimulatedClient {
    known: UnjudgedClient,
    driver: Driver,
}

impl SimulatedClient {
    /// A client that comes at this time.
    pub fn new(at: Timestamp) -> Self {
        Self { known: UnjudgedClient::new(at), driver: Driver::default() }
    }

    /// Takes a request in. Returns features if this is a page request at which rows are taken.
    pub fn ask(
        &mut self,
        request: &SimRequest,
        client: ClientKey,
        resolution_us: u32,
    ) -> Option<Features> {
        let told = |at: Timestamp| {
            let step = i64::from(resolution_us);
            Timestamp::from_micros(at.as_micros() / step * step)
        };
        let asked = Request { client, at: told(request.at), ..request.as_request() };
        let event =
            Event::new(&asked, &UrlHasher::new(OFFLINE_HASH_KEY), &AllowList::default(), None);
        let mut measured = None;
        let at_request = |event: &Event, known: &UnjudgedClient| {
            let window = &known.window;
            let is_row = event.class == Class::Page && SCHEDULE.contains(&window.pages());
            measured = is_row.then(|| Features::measure(window));
        };
        let client = &mut self.known;
        let mut subject = UnjudgedWindow { client, resolution_us, profile: None, at_request };
        let answer = (told(request.completed_at()), request.status);
        self.driver.simulate(&event, Some(answer), &mut subject);
        measured
    }
}
