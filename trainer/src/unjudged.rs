//! A client whose window is driven by traffic without verdicts, as training needs it.

use detector::window::Steps;
use detector::{Class, ClientKey, Event, Mode, SiteProfile, Timestamp, Token, Window};
use traffic::log::RecordedBan;
use traffic::replay::Subject;

/// What is known of one client without any verdict.
#[derive(Clone, Debug)]
pub struct UnjudgedClient {
    /// Its recent past.
    pub window: Window,
    /// The steps of its visit.
    pub steps: Steps,
}

impl UnjudgedClient {
    /// A client first heard of at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self { window: Window::new(at), steps: Steps::NONE }
    }

    /// Takes a request in.
    pub fn push(&mut self, event: &Event, resolution_us: u32, profile: Option<&SiteProfile>) {
        if event.class == Class::Page {
            self.steps.page(self.window.silence_us(event.at, resolution_us));
        }
        self.window.push_at_site(event, resolution_us, profile);
    }
}

/// One client, and what to do at each of its requests once its window has taken it in.
pub struct UnjudgedWindow<'a, V> {
    /// The client.
    pub client: &'a mut UnjudgedClient,
    /// Its time step, in µs.
    pub resolution_us: u32,
    /// The site profile that the client is measured with, if any.
    pub profile: Option<&'a SiteProfile>,
    /// Called with each request.
    pub at_request: V,
}

impl<V: FnMut(&Event, &UnjudgedClient)> Subject for UnjudgedWindow<'_, V> {
    fn observe(&mut self, event: &Event, _: Mode) -> Option<Token> {
        self.client.push(event, self.resolution_us, self.profile);
        (self.at_request)(event, self.client);
        Token::unjudged(event)
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.client.window.conclude(&token.ended(at, status), self.resolution_us);
    }

    /// A window holds no ban.
    fn change_ban(&mut self, _: ClientKey, _: Timestamp, _: RecordedBan) {}

    /// Nor does it hold a standing that a passed challenge would soften.
    fn pass_challenge(&mut self, _: ClientKey, _: Timestamp, _: Timestamp) {}
}
