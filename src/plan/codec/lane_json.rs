use serde::Deserialize as _;

use crate::domain::CustomerId;
use crate::plan::{Lane, Operation};

use super::operation_line::{LanePlace, OperationLine};

/// Returns a lane's operations as a JSON array of plan lines, for the journal.
pub fn lane_to_json(lane: &Lane) -> serde_json::Value {
    let lines = lane
        .operations
        .iter()
        .map(|op| OperationLine::new(lane, op, LanePlace::default()));
    lines
        .filter_map(|line| serde_json::to_value(line).ok())
        .collect()
}

/// Replaces a lane's operations by those that its row was replanned to, as [`lane_to_json`] wrote them.
///
/// # Errors
/// Says what is wrong with a line.
pub fn replan(lane: &mut Lane, payload: &serde_json::Value) -> Result<(), String> {
    let (customer, operations) = lane_from_json(payload)?;
    // The lines name the customer, so it is unknown if there are none.
    if !operations.is_empty() {
        lane.customer = customer;
    }
    lane.operations = operations;
    Ok(())
}

/// Reads the operations that [`lane_to_json`] wrote, with their customer.
///
/// # Errors
/// Says what is wrong with a line.
pub fn lane_from_json(
    json: &serde_json::Value,
) -> Result<(Option<CustomerId>, Vec<Operation>), String> {
    let lines: Vec<OperationLine> = Vec::deserialize(json).map_err(|e| e.to_string())?;
    let mut customer = None;
    let mut operations = Vec::new();
    for line in lines {
        let one = line.into_lane()?;
        customer = customer.or(one.lane.customer);
        operations.extend(one.lane.operations);
    }
    Ok((customer, operations))
}
