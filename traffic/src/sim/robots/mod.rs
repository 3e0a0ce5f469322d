//! Robots that are welcome, one a file, each with its reasoning.

pub(super) mod health_checker;
