//! What the policy remembers of a client: its last score, what is held against it, its tokens.
//!
//! A standing is made in one mode. What shadow holds against a client (limits, bans, offences, a row
//! of pages at the block threshold) is **provisional**: it shows what would happen, and when the
//! gate begins to enforce it is dropped ([`Standing::enter`]), so that nobody is refused for what
//! was counted while nobody was looking. Windows, scores and browsers stay, so who still behaves
//! that way is limited at his next page and blocked after a row of them. A ban that was made while
//! the gate enforced, or that somebody imposed, outlasts a period of shadow in [`crate::Bans`].

use crate::event::AgentKey;
use crate::mode::Mode;
use crate::model::Score;
use crate::state::browsers::Browsers;
use crate::time::Timestamp;

use super::SHARED_MIN;

/// A time before every event.
pub(super) const NEVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// What the policy remembers of a client. 40 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub(super) limited_until: Timestamp,
    pub(super) banned_until: Timestamp,
    pub(super) bucket_at: Timestamp,
    /// Tokens in millionths of a page; only meaningful while limited.
    pub(super) bucket_micros: u32,
    /// The last margin; NaN when there was none, because an `Option` would take twice the room.
    pub(super) margin: f32,
    record: Record,
    /// Pages in a row that scored at the block threshold or beyond.
    pub(super) beyond: u8,
    browsers: Browsers,
}

const _: () = assert!(size_of::<Standing>() <= 40);

/// A ban, kept apart from the window so that it survives the window's eviction. 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// When it expires, or did.
    pub until: Timestamp,
    /// Bans so far; the next one lasts `block_s · 2^offences`.
    pub offences: u32,
    /// In which mode it was made.
    pub mode: Mode,
    /// Who made it.
    pub cause: Cause,
}

/// Why somebody is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its score stayed at the block threshold.
    Score,
    /// Somebody imposed it: an administrator, another gate.
    Imposed,
}

/// Offences in the lower six bits (beyond 32 a ban gets no longer), then whether the ban was
/// imposed, then whether the standing was made in enforce mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record(u8);

impl Record {
    const OFFENCES_MAX: u8 = 0x3f;
    const IMPOSED: u8 = 0x40;
    const ENFORCE: u8 = 0x80;

    const fn of(ban: Ban) -> Self {
        let offences = if ban.offences > Self::OFFENCES_MAX as u32 {
            Self::OFFENCES_MAX
        } else {
            ban.offences as u8
        };
        let imposed = if matches!(ban.cause, Cause::Imposed) { Self::IMPOSED } else { 0 };
        let mode = if matches!(ban.mode, Mode::Enforce) { Self::ENFORCE } else { 0 };
        Self(offences | imposed | mode)
    }

    const fn offences(self) -> u32 {
        (self.0 & Self::OFFENCES_MAX) as u32
    }

    const fn cause(self) -> Cause {
        if self.0 & Self::IMPOSED == 0 { Cause::Score } else { Cause::Imposed }
    }

    const fn mode(self) -> Mode {
        if self.0 & Self::ENFORCE == 0 { Mode::Shadow } else { Mode::Enforce }
    }
}

impl Ban {
    /// No ban, no offence.
    pub const NONE: Self =
        Self { until: NEVER, offences: 0, mode: Mode::Shadow, cause: Cause::Score };
}

impl Standing {
    /// A client with nothing against it but, perhaps, an earlier ban.
    pub const fn new(ban: Ban) -> Self {
        Self {
            limited_until: NEVER,
            banned_until: ban.until,
            bucket_at: NEVER,
            bucket_micros: 0,
            margin: f32::NAN,
            record: Record::of(ban),
            beyond: 0,
            browsers: Browsers::NONE,
        }
    }

    /// Its ban, expired or not.
    pub const fn ban(&self) -> Ban {
        Ban {
            until: self.banned_until,
            offences: self.record.offences(),
            mode: self.record.mode(),
            cause: self.record.cause(),
        }
    }

    /// Replaces its ban and begins a new row of pages.
    pub fn set_ban(&mut self, ban: Ban) {
        self.banned_until = ban.until;
        self.record = Record::of(ban);
        self.beyond = 0;
    }

    /// Takes back all that is held against it: ban, offences, limit.
    pub fn pardon(&mut self) {
        let Self { margin, browsers, record, .. } = *self;
        let nothing = Self::new(Ban { mode: record.mode(), ..Ban::NONE });
        *self = Self { margin, browsers, ..nothing };
    }

    /// In which mode what is held against it was made.
    pub const fn mode(&self) -> Mode {
        self.record.mode()
    }

    /// To be called before each decision with the mode it is taken in. Where that is the first one
    /// that is carried out, what was provisional goes, and `enforced` is asked for the ban that was
    /// made before the shadow, [`Ban::NONE`] where there is none.
    pub fn enter(&mut self, mode: Mode, enforced: impl FnOnce() -> Ban) {
        if mode == self.mode() {
            return;
        }
        if mode == Mode::Enforce && self.holds_something() {
            let Self { margin, browsers, .. } = *self;
            *self = Self { margin, browsers, ..Self::new(enforced()) };
        }
        self.record = Record::of(Ban { mode, ..self.ban() });
    }

    fn holds_something(&self) -> bool {
        let nothing = (NEVER, NEVER, 0, 0);
        let held = (self.limited_until, self.banned_until, self.record.offences(), self.beyond);
        held != nothing
    }

    /// Is it limited or banned at `at`?
    pub fn is_suspect(&self, at: Timestamp) -> bool {
        self.limited_until > at || self.banned_until > at
    }

    /// Takes in which browser a request names.
    pub fn see(&mut self, agent: AgentKey, at: Timestamp) {
        self.browsers.see(agent, at);
    }

    /// How many browsers there were at least within the hour; see [`Browsers::count`].
    pub fn browsers(&self) -> u32 {
        self.browsers.count()
    }

    pub(super) fn is_shared(&self) -> bool {
        self.browsers.count() >= SHARED_MIN
    }

    /// Its last score.
    pub const fn score(&self) -> Option<Score> {
        if self.margin.is_nan() { None } else { Some(Score::from_margin(self.margin)) }
    }
}
