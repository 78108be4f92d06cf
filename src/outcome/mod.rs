//! What happened: states of rows and operations, below both the runner and the reports. Pure.

mod operation_result;
mod row_result;

pub use operation_result::{OperationResult, OperationStatus};
pub use row_result::{CREATED_TWICE, RowResult, RowStatus, Unlisted};
