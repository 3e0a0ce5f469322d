//! Charts as inline SVG. Each has a title and a description for readers who cannot see it, and says
//! nothing by colour alone.

pub mod axis;
pub mod curve;
pub mod dots;
mod figure;
pub mod heat;
pub mod histogram;

pub use figure::figure;
