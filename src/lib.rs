//! `hcsync` brings customer data into HelpCrunch in bulk.

pub mod domain;
pub mod source;
