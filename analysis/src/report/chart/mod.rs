//! Charts as inline SVG. Each has a title and a description for whoever does not see it, and says
//! nothing by colour alone.

pub mod curve;
pub mod dots;
mod figure;
pub mod heat;
pub mod histogram;
pub mod scale;

pub use figure::figure;
