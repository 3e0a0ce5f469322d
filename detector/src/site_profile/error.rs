//! Why a site profile is refused.

/// Why a site profile was refused.
#[derive(Debug, thiserror::Error)]
pub enum SiteProfileError {
    /// A pattern outside the grammar.
    #[error("template {pattern:?}: {why}")]
    Pattern {
        /// The pattern, as it stands in the file.
        pattern: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A field that contradicts another or exceeds its bound.
    #[error("memory: {0}")]
    Content(&'static str),
    /// This build hashes URLs in another way than the one that learnt the profile.
    #[error("memory: this build hashes URLs otherwise than the one that learnt it")]
    Probe,
}
