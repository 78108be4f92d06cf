//! hcsync brings customer data into [HelpCrunch](https://helpcrunch.com) in bulk: it reads rows from CSV, JSON or Excel, compares
//! each with the customer that HelpCrunch has, and sends only the differences, at the pace that the API allows.
//!
//! The library is the program without its `main`. It is one crate whose modules are the steps of a row's way. Which of them imports
//! which is in `docs/architecture.md` (Levels), and `tests/architecture.rs` enforces it:
//!
//! 1. [`source`]: bytes of a file become rows, with their exact lines and bytes.
//! 2. [`mapping`]: a row becomes a [`DesiredCustomer`](domain::DesiredCustomer), or a list of everything that is wrong with it.
//! 3. [`remote`]: what HelpCrunch has becomes a [`Reading`](remote::Reading): listed, looked up, or from the last snapshot.
//! 4. [`plan`]: rows are matched with customers, and what differs becomes operations, a preview and a saved plan.
//! 5. [`run`]: the steps above put together, and the execution of a plan: concurrent, verified, resumable.
//! 6. [`helpcrunch`]: the only way to the API, through one gate that keeps the pace.
//! 7. [`journal`]: what a run keeps on disk, so that it can be killed at any moment.
//! 8. [`report`]: plans and results as text, JSON and CSV.
//!
//! Around them: [`domain`] (the nouns), [`outcome`] (how operations and rows end), [`pace`] (when the next request may go),
//! [`notify`] (reports a run to people and monitors), [`probe`] (finds out how an account's API behaves), [`config`] (file, environment and flags), [`cli`] (the commands),
//! [`objects`] (files in object stores), [`postgres`] (state that several machines share), [`platform`] (what differs between operating systems), and [`sandbox`] (a HelpCrunch API for tests and trials, which shares
//! no code with the rest).
//!
//! `docs/architecture.md` has the rules, `docs/lifecycle-of-a-row.md` follows one row through the code, and
//! `docs/glossary.md` holds the words.
//!
//! # Example
//!
//! A row of a table, and what it wants of its customer:
//!
//! ```
//! use hcsync::domain::{Field, KeyField, RowNumber};
//! use hcsync::mapping::{MappingSettings, Schema};
//! use hcsync::source::{Reader, Record, SourceSettings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let table = "userId,E-mail,Name\nu1,ann@example.com,Ann\n";
//! let settings = SourceSettings::default();
//! let mut reader = Reader::from_read(table.as_bytes(), "customers.csv", &settings, 0, RowNumber(1))?;
//! let schema = Schema::new(&MappingSettings::default(), &[KeyField::UserId], &[reader.columns()])?;
//!
//! let Some(Record::Row(row)) = reader.next_record()? else { panic!("a good row") };
//! let desired = schema.map(&row).into_owned().desired.expect("a row without problems");
//! assert_eq!(desired.key.user_id.as_deref(), Some("u1"));
//! let name = desired.field(Field::Name).and_then(|wish| wish.value());
//! assert_eq!(name.and_then(|value| value.as_text()), Some("Ann"));
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod config;
pub mod domain;
pub mod helpcrunch;
pub mod journal;
pub mod mapping;
pub mod notify;
pub mod objects;
pub mod outcome;
pub mod pace;
pub mod plan;
pub mod platform;
pub mod postgres;
pub mod probe;
pub mod remote;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod source;
