//! Statuses and results of rows and operations, shared by the run and the reports. Pure.

mod operation_result;
mod row_result;

pub use operation_result::{OperationResult, OperationStatus};
pub use row_result::{CREATED_TWICE, RowResult, RowStatus, Unlisted};
