//! A window that is driven without verdicts, as training drives one for each client.

use detector::{Event, Mode, SiteProfile, Timestamp, Token, Window};
use traffic::replay::Subject;

/// One client's window, and what is done at each of its requests after the window took it in.
pub struct UnjudgedWindow<'a, V> {
    /// The window.
    pub window: &'a mut Window,
    /// Its time step, in µs.
    pub resolution_us: u32,
    /// What the site's people taught, where that is measured with.
    pub memory: Option<&'a SiteProfile>,
    /// Is called with each request.
    pub at_request: V,
}

impl<V: FnMut(&Event, &Window)> Subject for UnjudgedWindow<'_, V> {
    fn observe(&mut self, event: &Event, _: Mode) -> Option<Token> {
        self.window.push_at_site(event, self.resolution_us, self.memory);
        (self.at_request)(event, self.window);
        Token::unjudged(event)
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.window.conclude(&token.ended(at, status), self.resolution_us);
    }
}
