//! Requests that nobody behind the gate should have to answer, by kind.
//!
//! In enforce mode the gate answers them itself. In shadow mode it passes them on as any proxy in
//! its place would, and counts what it would have done: a gate that looks first changes nothing.

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// 400: HTTP/1.1 without `Host` (RFC 9112, 3.2).
    MissingHost,
    /// 414: a longer target than [`crate::engine::TARGET_BYTES_MAX`].
    LongTarget,
    /// 413: a longer body than the configuration's `body_bytes_max`.
    LargeBody,
}

impl Malformed {
    /// All of them, for metric labels.
    pub const ALL: [Self; 3] = [Self::MissingHost, Self::LongTarget, Self::LargeBody];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingHost => "missing_host",
            Self::LongTarget => "long_target",
            Self::LargeBody => "large_body",
        }
    }
}
