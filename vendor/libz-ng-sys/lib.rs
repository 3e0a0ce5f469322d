//! Stand-in for `libz-ng-sys`.
//!
//! `pingora-core` asks for `flate2/zlib-ng` unconditionally; its build script wants cmake, which a
//! fresh Debian with Rust and gcc does not have. flate2 uses the same symbols under the name of
//! either library, so re-exporting plain zlib, compiled by `cc`, is enough. Gzip is a little slower
//! than with zlib-ng; Kidoban only inflates log files.
pub use libz_sys::*;
