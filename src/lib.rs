//! `hcsync` brings customer data into HelpCrunch in bulk.

pub mod cli;
pub mod config;
pub mod domain;
pub mod helpcrunch;
pub mod journal;
pub mod mapping;
pub mod outcome;
pub mod pace;
pub mod plan;
pub mod platform;
pub mod probe;
pub mod remote;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod source;
