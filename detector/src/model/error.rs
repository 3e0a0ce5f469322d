//! Why a model file is refused.

/// Why a model file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The digest does not fit: the file was cut short, edited or damaged.
    #[error("{0}; the file is damaged or was edited: copy it again, or train a new one")]
    Seal(String),
    /// The content is not JSON of the expected shape.
    #[error("not a model this version reads: {0}; train a new one with this version of kidoban")]
    Shape(String),
    /// Another version of the product made the file.
    #[error("{0}; train a new one with this version of kidoban")]
    Version(String),
    /// The content can be read and contradicts itself.
    #[error("its content contradicts itself: {0}; train a new one")]
    Content(String),
}
