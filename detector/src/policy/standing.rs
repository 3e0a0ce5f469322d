//! What the policy remembers of a client: its last score, what is held against it, its tokens.
//!
//! A standing is made in one mode. What shadow mode holds against a client (limits, bans, offences,
//! a row of pages at the block threshold) is **provisional**: it shows what would happen. When the
//! gate begins to enforce, it is dropped ([`Standing::enter`]), so that nobody is refused for what
//! was counted in shadow mode. Windows, scores, browsers and the guard's counts stay. A client that
//! still behaves that way is limited at its next page and blocked after a row of them. A ban that
//! was made in enforce mode, or that somebody imposed, outlasts a period of shadow mode in
//! [`crate::Bans`].

use crate::event::AgentKey;
use crate::guard::{Guard, Rule};
use crate::mode::Mode;
use crate::model::Score;
use crate::state::browsers::Browsers;
use crate::time::Timestamp;
use crate::url::Class;
use crate::window::{FORGET_US, Steps};

/// From this many browsers within the hour on an address counts as shared. A family has three or
/// four. A bot that rotates four user agents gains nothing.
pub const SHARED_MIN: u32 = 5;
/// A time before every event.
pub(super) const NEVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// What the policy remembers of a client. 48 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub(super) limited_until: Timestamp,
    pub(super) banned_until: Timestamp,
    /// When the bucket will be full again ([`super::bucket`]); only meaningful while limited.
    pub(super) full_at: Timestamp,
    /// The margin of the last score; NaN when there was none, because an `Option` would take twice
    /// the memory.
    pub(super) margin: f32,
    record: BanRecord,
    /// Pages in a row that scored at the block threshold or beyond.
    pub(super) beyond: u8,
    /// What leads to harder rungs of the limit ([`super::rung`]).
    pub(super) points: u8,
    pub(crate) steps: Steps,
    browsers: Browsers,
    pub(crate) guard: Guard,
}

const _: () = assert!(size_of::<Standing>() <= 48);

/// A ban. It is also kept apart from the window, so that it survives the window's eviction. 16
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// When it expires or has expired.
    pub until: Timestamp,
    /// Bans so far; the next one lasts `block_s · 2^offences`.
    pub offences: u32,
    /// The mode in which it was made.
    pub mode: Mode,
    /// Why it was made.
    pub cause: Cause,
}

/// Why a client is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its score stayed at the block threshold or beyond.
    Score,
    /// An administrator or another gate imposed it.
    Imposed,
}

impl Cause {
    /// Every cause, for labels.
    pub const ALL: [Self; 2] = [Self::Score, Self::Imposed];

    /// As written in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Imposed => "imposed",
        }
    }
}

/// A ban's offences, cause and mode in one byte. The lower five bits are the offences (2³¹ times
/// the shortest ban is 68 years, beyond any maximum), then comes whether the client passed a
/// challenge, then whether the ban was imposed, then whether the mode was enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BanRecord(u8);

impl BanRecord {
    const OFFENCES_MAX: u8 = 0x1f;
    const EASED: u8 = 0x20;
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
    /// No ban and no offence.
    pub const NONE: Self =
        Self { until: NEVER, offences: 0, mode: Mode::Shadow, cause: Cause::Score };
}

impl Standing {
    /// The standing of a new client, with its earlier ban if it had one.
    pub const fn new(ban: Ban) -> Self {
        Self {
            limited_until: NEVER,
            banned_until: ban.until,
            full_at: NEVER,
            margin: f32::NAN,
            record: BanRecord::of(ban),
            beyond: 0,
            points: 0,
            steps: Steps::NONE,
            browsers: Browsers::NONE,
            guard: Guard::NONE,
        }
    }

    /// The client's ban, expired or not.
    pub const fn ban(&self) -> Ban {
        Ban {
            until: self.banned_until,
            offences: self.record.offences(),
            mode: self.record.mode(),
            cause: self.record.cause(),
        }
    }

    /// Replaces the ban and starts counting the pages in a row anew.
    pub fn set_ban(&mut self, ban: Ban) {
        self.banned_until = ban.until;
        self.record = BanRecord::of(ban);
        self.beyond = 0;
    }

    /// Drops all that is held against the client: ban, offences, limit.
    pub fn pardon(&mut self) {
        let Self { margin, steps, browsers, record, .. } = *self;
        let nothing = Self::new(Ban { mode: record.mode(), ..Ban::NONE });
        *self = Self { margin, steps, browsers, ..nothing };
    }

    /// Puts the client on the first rung of the limit until `until`, with a full bucket, because it
    /// passed a challenge. A ban of it is not touched.
    pub(super) fn ease(&mut self, at: Timestamp, until: Timestamp) {
        self.record.0 |= BanRecord::EASED;
        (self.limited_until, self.full_at) = (until, at);
    }

    /// Forgets a challenge that was passed.
    pub(super) fn end_ease(&mut self) {
        self.record.0 &= !BanRecord::EASED;
    }

    /// Does a challenge that the client passed still count at `at`? As long as it does, the end of
    /// the client's limit is the end of the pass, and nothing moves it.
    pub fn is_eased(&self, at: Timestamp) -> bool {
        self.has_ease() && self.limited_until > at
    }

    /// As [`Standing::is_eased`], of a client that is known to be limited.
    pub(super) const fn has_ease(&self) -> bool {
        self.record.0 & BanRecord::EASED != 0
    }

    /// The mode in which what is held against the client was made.
    pub const fn mode(&self) -> Mode {
        self.record.mode()
    }

    /// To be called before each decision, with the mode that it is taken in.
    ///
    /// At the first decision in enforce mode, what was held against the client in shadow mode is
    /// dropped. `enforced` returns the ban that was made in enforce mode earlier, or [`Ban::NONE`].
    pub fn enter(&mut self, mode: Mode, enforced: impl FnOnce() -> Ban) {
        if mode == self.mode() {
            return;
        }
        if mode == Mode::Enforce && self.holds_something() {
            let Self { margin, steps, browsers, mut guard, .. } = *self;
            guard.set_limited_by(None);
            *self = Self { margin, steps, browsers, guard, ..Self::new(enforced()) };
        }
        self.record = BanRecord::of(Ban { mode, ..self.ban() });
    }

    fn holds_something(&self) -> bool {
        let nothing = (NEVER, NEVER, 0, 0, 0);
        let Self { limited_until, banned_until, beyond, points, .. } = *self;
        (limited_until, banned_until, self.record.offences(), beyond, points) != nothing
    }

    /// What leads to harder rungs of the limit, as of the last page that added to it.
    pub const fn points(&self) -> u8 {
        self.points
    }

    /// Is the client limited or banned at `at`?
    pub fn is_suspect(&self, at: Timestamp) -> bool {
        self.limited_until > at || self.banned_until > at
    }

    /// Counts a page that comes so many µs after the page before. After a day of silence the
    /// average of scores begins anew, as the window does.
    pub fn step(&mut self, silence_us: u64) {
        if silence_us > FORGET_US {
            self.margin = f32::NAN;
        }
        self.steps.page(silence_us);
    }

    /// Steps of the client's visit so far; 15 at most.
    pub const fn steps(&self) -> u8 {
        self.steps.count()
    }

    /// Counts the browser that a request names.
    pub fn see(&mut self, agent: AgentKey, class: Class, at: Timestamp) {
        self.browsers.see(agent, class, at);
    }

    /// A lower bound of the browsers within the hour; see [`Browsers::count`].
    pub fn browsers(&self) -> u32 {
        self.browsers.count()
    }

    /// How many browsers share the address; 1 if it is not a shared one.
    pub fn browsers_sharing(&self) -> u32 {
        if self.is_shared() { self.browsers() } else { 1 }
    }

    /// The rule of the guard for which the client is limited, as long as it is limited.
    pub const fn guarded_by(&self) -> Option<Rule> {
        self.guard.limited_by()
    }

    pub(super) fn is_shared(&self) -> bool {
        self.browsers.count() >= SHARED_MIN
    }

    /// Do so many browsers load the pages' pictures, too, that many people must be there?
    pub(super) fn is_surely_shared(&self) -> bool {
        self.browsers.pictured() >= SHARED_MIN
    }

    /// The client's last score.
    pub const fn score(&self) -> Option<Score> {
        if self.margin.is_nan() { None } else { Some(Score::from_margin(self.margin)) }
    }
}
