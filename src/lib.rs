//! `hcsync` brings customer data into HelpCrunch in bulk.

pub mod cli;
pub mod config;
pub mod domain;
pub mod mapping;
pub mod outcome;
pub mod plan;
