//! A client of which only the first events are known: they are kept as they came, in 72 bytes.
//!
//! Most clients of a flood, and many of an ordinary day, come once. When a newcomer has more events
//! than fit, or one of them is to be scored, they are pushed into a [`Window`]. That window is bit
//! for bit what it would have been had it existed from the start. Until then nothing is scored, so
//! the verdicts need no window.

use crate::client::ClientKey;
use crate::event::{AgentKey, Event, Method, Outcome};
use crate::site_profile::SiteProfile;
use crate::state::asset_credit::AssetCredit;
use crate::time::Timestamp;
use crate::url::{Class, Shape, UrlKey};
use crate::window::{Steps, Window};

/// Events kept as they came: one request with its outcome. A client with a third event stays.
const NOTES: usize = 2;

/// The first few events of a client.
#[derive(Clone, Copy, Debug)]
pub struct Newcomer {
    notes: [Note; NOTES],
    /// The time step, in µs, that they were taken in with. If a reload brings another one, the
    /// window is made first.
    resolution_us: u32,
    count: u8,
    pages: u8,
    pub(crate) credit: AssetCredit,
}

/// Everything that a window takes from an event. Times are those that count, because a client's
/// clock never goes back.
#[derive(Clone, Copy, Debug)]
enum Note {
    Request {
        at: Timestamp,
        url: UrlKey,
        shape: Shape,
        page: u32,
        template: u8,
        class: Class,
        depth: u8,
        method: Method,
    },
    Outcome {
        at: Timestamp,
        status: u16,
    },
}

const _: () = assert!(size_of::<Newcomer>() <= 72);

impl Newcomer {
    /// A client without any event.
    pub const fn new(resolution_us: u32) -> Self {
        let none = Note::Outcome { at: Timestamp::from_micros(i64::MIN), status: 0 };
        Self { notes: [none; NOTES], resolution_us, count: 0, pages: 0, credit: AssetCredit::NEW }
    }

    /// Takes a request in, as [`Window::push`] does. `None` when there is no room and the client
    /// needs a window.
    pub fn push(&mut self, event: &Event, resolution_us: u32) -> Option<Timestamp> {
        let Event { url, shape, page, template, class, depth, method, .. } = *event;
        let at = event.at.max(self.last_at());
        self.note(
            Note::Request { at, url, shape, page, template, class, depth, method },
            resolution_us,
        )?;
        self.pages += u8::from(class == Class::Page);
        Some(at)
    }

    /// Takes the end of a request in, as [`Window::conclude`] does. `None` when there is no room
    /// and the client needs a window.
    pub fn conclude(&mut self, outcome: &Outcome, resolution_us: u32) -> Option<Timestamp> {
        let at = outcome.at.max(self.last_at());
        self.note(Note::Outcome { at, status: outcome.status }, resolution_us)?;
        Some(at)
    }

    fn note(&mut self, note: Note, resolution_us: u32) -> Option<()> {
        if resolution_us != self.resolution_us {
            return None;
        }
        *self.notes.get_mut(usize::from(self.count))? = note;
        self.count += 1;
        Some(())
    }

    /// The window that these events make. Without any event, an empty one that begins at `at`.
    pub fn window(&self, at: Timestamp, profile: Option<&SiteProfile>) -> Window {
        let notes = &self.notes[..usize::from(self.count)];
        let mut window = Window::new(notes.first().map_or(at, Note::at));
        window.credit = self.credit;
        for &note in notes {
            // A window does not depend on whose it is.
            let client = ClientKey::NOBODY;
            match note {
                Note::Request { at, url, shape, page, template, class, depth, method } => window
                    .push_at_site(
                        &Event {
                            client,
                            at,
                            url,
                            shape,
                            page,
                            template,
                            class,
                            learnt: None,
                            depth,
                            method,
                            agent: AgentKey::NONE,
                            exempt: None,
                        },
                        self.resolution_us,
                        profile,
                    ),
                Note::Outcome { at, status } => {
                    window.conclude(&Outcome::new(client, at, status), self.resolution_us)
                }
            };
        }
        window
    }

    /// The steps that its pages make.
    pub fn steps(&self) -> Steps {
        let mut steps = Steps::NONE;
        let mut before: Option<Timestamp> = None;
        for note in &self.notes[..usize::from(self.count)] {
            if let Note::Request { at, class: Class::Page, .. } = *note {
                let at = at.truncate(self.resolution_us);
                steps.page(before.map_or(0, |before| at.micros_since(before)));
                before = Some(at);
            }
        }
        steps
    }

    /// Page requests so far.
    pub fn pages(&self) -> u32 {
        u32::from(self.pages)
    }

    /// Events taken in.
    pub fn sequence(&self) -> u32 {
        u32::from(self.count)
    }

    /// Whole seconds from its first event to its last.
    pub fn age_s(&self) -> u32 {
        let first = if self.count > 0 { self.notes[0].at() } else { self.last_at() };
        u32::try_from(self.last_at().micros_since(first) / 1_000_000).unwrap_or(u32::MAX)
    }

    /// The client's own clock: the time of its last event, or before every event if it had none.
    pub fn last_at(&self) -> Timestamp {
        let last = self.count.checked_sub(1).map(|last| self.notes[usize::from(last)].at());
        last.unwrap_or(Timestamp::from_micros(i64::MIN))
    }
}

impl Note {
    const fn at(&self) -> Timestamp {
        match self {
            Self::Request { at, .. } | Self::Outcome { at, .. } => *at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any few events, out of order and in any time step: both ways to the window end in the same
    /// bits.
    #[test]
    fn the_window_is_the_one_it_would_have_been() {
        let mut state = 3_u64;
        let mut dice = move |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        };
        let client = ClientKey::from_text("192.0.2.1");
        for _ in 0..20_000 {
            let resolution_us = [1, 1_000, 1_000_000][dice(3) as usize];
            let mut at = Timestamp::from_secs(1_795_219_200);
            let mut newcomer = Newcomer::new(resolution_us);
            let mut window: Option<Window> = None;
            for count in 0..dice(NOTES as u64 + 2) as u32 {
                // Backwards as well, and far beyond what fades.
                at = Timestamp::from_micros(
                    at.as_micros() + [-900_000, 0, 1_700_001, 400_000_000][dice(4) as usize],
                );
                let (noted, pushed) = if count > 0 && dice(3) == 0 {
                    let outcome = Outcome::new(client, at, [0, 200, 404, 500][dice(4) as usize]);
                    let window = window.as_mut().unwrap();
                    (
                        newcomer.conclude(&outcome, resolution_us),
                        window.conclude(&outcome, resolution_us),
                    )
                } else {
                    let event = Event {
                        client,
                        at,
                        url: UrlKey(dice(5) as u32),
                        class: [Class::Page, Class::Asset][dice(2) as usize],
                        learnt: None,
                        shape: Shape {
                            form: 1 + dice(2) as u16,
                            number: dice(5) as u32,
                            ..Shape::default()
                        },
                        page: dice(3) as u32,
                        template: dice(16) as u8,
                        depth: dice(5) as u8,
                        method: [Method::Get, Method::Write][dice(2) as usize],
                        agent: AgentKey::NONE,
                        exempt: None,
                    };
                    let window = window.get_or_insert_with(|| Window::new(at));
                    (newcomer.push(&event, resolution_us), window.push(&event, resolution_us))
                };
                if count as usize == NOTES {
                    assert_eq!(noted, None, "it is full");
                    break;
                }
                assert_eq!(noted, Some(pushed));
                let window = window.as_ref().unwrap();
                assert_eq!(
                    (newcomer.sequence(), newcomer.pages()),
                    (window.sequence(), window.pages())
                );
                assert_eq!(newcomer.last_at(), window.last_at());
                assert_eq!(format!("{:?}", newcomer.window(at, None)), format!("{window:?}"));
            }
        }
    }

    #[test]
    fn another_time_step_needs_a_window() {
        let outcome = Outcome::new(ClientKey::NOBODY, Timestamp::default(), 200);
        let mut newcomer = Newcomer::new(1);
        assert!(newcomer.conclude(&outcome, 1).is_some());
        assert_eq!(newcomer.conclude(&outcome, 1_000_000), None);
        assert_eq!(newcomer.sequence(), 1);
    }
}
