//! A plan file → lanes: nothing panics, and what was read comes back when it is written and read again.
#![no_main]

use hcsync::plan::PlanCounts;
use hcsync::plan::codec::{LaneReader, PlanWriter, PlannedLane, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let verified = verify(data);
    let Ok(reader) = LaneReader::new(data) else {
        return;
    };
    let mut lanes: Vec<PlannedLane> = Vec::new();
    for lane in reader {
        match lane {
            Ok(lane) => lanes.push(lane),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                break;
            }
        }
    }
    // Only a first line that is a header can stand before the lanes.
    let first = data
        .split_inclusive(|b| *b == b'\n')
        .next()
        .unwrap_or_default();
    let Ok(header) = serde_json::from_slice(first) else {
        assert!(verified.is_err());
        return;
    };
    let written = write(&header, &lanes);
    let whole = verify(written.as_slice());
    if whole.is_err() {
        // The header's own version may be one that is not read.
        assert!(
            header.hcsync_plan > hcsync::plan::codec::PLAN_VERSION,
            "{whole:?}"
        );
        return;
    }
    let read: Vec<PlannedLane> = LaneReader::new(written.as_slice())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        operations(&read),
        operations(&lanes),
        "it came back otherwise"
    );
    assert_eq!(
        write(&header, &read),
        written,
        "it is written otherwise the second time"
    );
});

fn write(header: &hcsync::plan::codec::PlanHeader, lanes: &[PlannedLane]) -> Vec<u8> {
    let mut writer = PlanWriter::new(Vec::new(), header).unwrap();
    for planned in lanes {
        writer.lane(&planned.lane, planned.place).unwrap();
    }
    writer.finish(PlanCounts::default()).unwrap().0
}

/// By row and in order: lines of one row that stand together are one lane.
fn operations(lanes: &[PlannedLane]) -> Vec<(u64, String)> {
    let each = lanes.iter().flat_map(|planned| {
        let row = planned.lane.row.0;
        planned
            .lane
            .operations
            .iter()
            .map(move |operation| (row, format!("{operation:?}")))
    });
    each.collect()
}
