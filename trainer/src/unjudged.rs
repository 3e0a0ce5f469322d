//! A client's window that is driven by traffic without verdicts, as training needs it.

use detector::{ClientKey, Event, Mode, SiteProfile, Timestamp, Token, Window};
use traffic::log::RecordedBan;
use traffic::replay::Subject;

/// One client's window, and what to do at each of its requests once the window has taken it in.
pub struct UnjudgedWindow<'a, V> {
    /// The window.
    pub window: &'a mut Window,
    /// Its time step, in µs.
    pub resolution_us: u32,
    /// The site profile that the client is measured with, if any.
    pub profile: Option<&'a SiteProfile>,
    /// Called with each request.
    pub at_request: V,
}

impl<V: FnMut(&Event, &Window)> Subject for UnjudgedWindow<'_, V> {
    fn observe(&mut self, event: &Event, _: Mode) -> Option<Token> {
        self.window.push_at_site(event, self.resolution_us, self.profile);
        (self.at_request)(event, self.window);
        Token::unjudged(event)
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.window.conclude(&token.ended(at, status), self.resolution_us);
    }

    /// A window holds no ban.
    fn change_ban(&mut self, _: ClientKey, _: Timestamp, _: RecordedBan) {}
}
