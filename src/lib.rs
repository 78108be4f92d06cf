//! `hcsync` brings customer data into HelpCrunch in bulk.

pub mod domain;
pub mod journal;
pub mod mapping;
pub mod outcome;
pub mod plan;
pub mod platform;
