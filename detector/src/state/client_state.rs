//! What the detector keeps of one client: its first few events, or a window and a standing.

use crate::policy::{Ban, Standing};
use crate::site_profile::SiteProfile;
use crate::state::asset_credit::AssetCredit;
use crate::state::newcomer::Newcomer;
use crate::time::Timestamp;
use crate::window::Window;

/// Ten minutes in µs: the most that a client's past stay counts when one is chosen for eviction. A
/// client that stayed this long may be silent as long before it is evicted.
const STAY_MAX_US: u64 = 600_000_000;

/// What is kept of a client that has shown more than its first few events.
#[derive(Clone, Debug)]
#[repr(C)] // the standing lies beside the head of the window: every request reads both
pub struct KnownClient {
    /// What the policy remembers of the client.
    pub standing: Standing,
    /// The client's recent past.
    pub window: Window,
}

/// Law 5: bytes per client are a constant. 512 is a size that allocators hand out without waste.
/// With [`crate::state::table::BYTES_BESIDE`] a client stays below 640 bytes.
const _: () = assert!(size_of::<KnownClient>() <= 512);

/// What is kept of one client.
pub enum ClientState {
    /// Only its first few events.
    Newcomer(Box<Newcomer>),
    /// Its window and standing.
    Known(Box<KnownClient>),
}

impl ClientState {
    /// How many more assets the client's last page accounts for.
    pub fn credit(&mut self) -> &mut AssetCredit {
        match self {
            Self::Newcomer(newcomer) => &mut newcomer.credit,
            Self::Known(client) => &mut client.window.credit,
        }
    }

    /// The client with its window, which is made of its first events if it was a newcomer. `at` is
    /// the time of an event to come.
    pub fn known_client(
        &mut self,
        at: Timestamp,
        profile: Option<&SiteProfile>,
    ) -> &mut KnownClient {
        if let Self::Newcomer(newcomer) = self {
            let mut standing = Standing::new(Ban::NONE);
            standing.steps = newcomer.steps();
            let window = newcomer.window(at, profile);
            *self = Self::Known(Box::new(KnownClient { window, standing }));
        }
        match self {
            Self::Known(client) => client,
            Self::Newcomer(_) => unreachable!("it has just been replaced"),
        }
    }

    pub(super) fn known(window: Window, ban: Ban) -> Self {
        Self::Known(Box::new(KnownClient { window, standing: Standing::new(ban) }))
    }

    /// Page requests so far.
    pub fn pages(&self) -> u32 {
        match self {
            Self::Newcomer(newcomer) => newcomer.pages(),
            Self::Known(client) => client.window.pages(),
        }
    }

    /// Its events so far: the number of the last one.
    pub fn sequence(&self) -> u32 {
        match self {
            Self::Newcomer(newcomer) => newcomer.sequence(),
            Self::Known(client) => client.window.sequence(),
        }
    }

    /// The client's own clock: the time of its last event, or before every event if it had none.
    pub fn last_at(&self) -> Timestamp {
        match self {
            Self::Newcomer(newcomer) => newcomer.last_at(),
            Self::Known(client) => client.window.last_at(),
        }
    }

    /// How much keeping the client is worth; the least worthy is evicted first.
    ///
    /// Limited and banned clients are worth most. Then those count that were here last, and the
    /// time that a client has stayed is added to its last time. So newcomers and idle clients go
    /// first, and a flood of new keys evicts no client that has stayed longer than they do.
    pub(super) fn worth(&self, at: Timestamp) -> (bool, Timestamp) {
        let (is_suspect, last_at, stayed_s) = match self {
            Self::Newcomer(newcomer) => (false, newcomer.last_at(), newcomer.age_s()),
            Self::Known(client) => {
                (client.standing.is_suspect(at), client.window.last_at(), client.window.age_s())
            }
        };
        (is_suspect, last_at.plus_micros((u64::from(stayed_s) * 1_000_000).min(STAY_MAX_US)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientKey;
    use crate::event::Event;
    use crate::state::table::BYTES_BESIDE;
    use crate::url::UrlKey;

    const AT: Timestamp = Timestamp::from_secs(1_795_219_200);

    #[test]
    fn the_idle_go_first_and_suspects_last() {
        let ago = |seconds: i64| Timestamp::from_secs(AT.as_secs() - seconds);
        let page = |at| Event::page(ClientKey::NOBODY, at, UrlKey(1));
        let newcomer = |at| {
            let mut newcomer = Newcomer::new(1);
            newcomer.push(&page(at), 1);
            ClientState::Newcomer(Box::new(newcomer))
        };
        let client = |first, last| {
            let mut window = Window::new(first);
            window.push(&page(last), 1);
            ClientState::known(window, Ban::NONE)
        };
        let suspect = ClientState::known(
            Window::new(ago(7_200)),
            Ban { until: AT.plus_secs(1), offences: 1, ..Ban::NONE },
        );
        let clients = [
            client(ago(9_000), ago(3_600)),
            newcomer(ago(50)),
            newcomer(ago(2)),
            // Silent for a minute, after five.
            client(ago(360), ago(60)),
            suspect,
        ];
        assert!(clients.map(|client| client.worth(AT)).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_newcomer_takes_at_most_128_bytes_and_a_client_640() {
        assert!(size_of::<Newcomer>() + BYTES_BESIDE <= 128);
        assert!(size_of::<KnownClient>() + BYTES_BESIDE <= 640);
    }
}
