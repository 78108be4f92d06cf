//! Makes a plan from what rows want and what HelpCrunch has. Pure: no HTTP, clock or terminal.

mod attribute;
pub mod budget;
pub mod causes;
pub mod codec;
mod customer_state;
pub mod diff;
pub mod field_limits;
pub mod fingerprint;
pub mod key_hash;
mod last_written;
mod left_value;
pub mod matching;
mod missing;
mod name_counts;
mod operation;
mod preview;
pub mod previewer;
mod reread_window;
mod reversal;
pub mod safety;
pub mod scheduler;
mod settings;
mod shown_change;
pub mod writes;

pub use attribute::{Attribute, AttributeChange, AttributeValue};
pub use customer_state::CustomerState;
pub use last_written::{LastWritten, Salt};
pub use left_value::{LeftReason, LeftValue};
pub use missing::{MISSING_TAG, MissingAction, MissingFigures, MissingObstacle, MissingSettings};
pub use operation::{Create, FieldChange, Lane, Operation, OperationKind, Patch, PropertyChange};
pub use preview::{
    Cause, Destination, Estimate, Example, Explanation, NewName, PlanCounts, Preview, RemoteFacts,
    RowPlace, ShownChange, StrategyCost, TypeChange,
};
pub use reread_window::RereadWindow;
pub use reversal::{CreatedRule, Reversal, reverse};
pub use settings::{
    Duplicates, MatchSettings, OnAmbiguous, OnConflict, Ownership, SafetySettings, SyncMode,
    Tolerance,
};
