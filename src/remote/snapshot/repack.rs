//! Packs a block again of which a part changed: only the frames with changed records are compressed.

use zstd::zstd_safe::find_frame_compressed_size;

use super::SnapshotError;
use super::block::{FRAME, Records, pack};
use super::changes::ChangedBlock;

pub(super) fn repack(block: &ChangedBlock) -> Result<Vec<u8>, SnapshotError> {
    match frames_to_keep(block) {
        Some(kept) => repack_frames(&block.records, &kept),
        None => pack(&block.records),
    }
}

/// The packed frames of a block, and `None` for each one with a changed record. `None` for the whole if records came or went, so
/// that others changed their frames, or an earlier version packed the block as one frame.
fn frames_to_keep(block: &ChangedBlock) -> Option<Vec<Option<&[u8]>>> {
    let before = block.before.as_ref()?;
    let is_replaced =
        |(id, earlier): (&u64, &Option<_>)| earlier.is_some() && block.records.contains_key(id);
    if !before.iter().all(is_replaced) {
        return None;
    }
    let mut frames: Vec<Option<&[u8]>> = Vec::new();
    let mut rest = block.packed.as_slice();
    while !rest.is_empty() {
        let length = find_frame_compressed_size(rest)
            .ok()
            .filter(|length| *length > 0)?;
        let (frame, next) = rest.split_at_checked(length)?;
        frames.push(Some(frame));
        rest = next;
    }
    if frames.len() != block.records.len().div_ceil(FRAME) {
        return None;
    }
    for (number, id) in block.records.keys().enumerate() {
        if before.contains_key(id)
            && let Some(frame) = frames.get_mut(number / FRAME)
        {
            *frame = None;
        }
    }
    Some(frames)
}

fn repack_frames(records: &Records, kept: &[Option<&[u8]>]) -> Result<Vec<u8>, SnapshotError> {
    let mut block = Vec::new();
    let mut records = records.iter();
    for frame in kept {
        let own = records.by_ref().take(FRAME);
        match frame {
            Some(frame) => {
                own.for_each(drop);
                block.extend_from_slice(frame);
            }
            None => {
                let own: Records = own.map(|(id, record)| (*id, record.clone())).collect();
                block.extend(pack(&own)?);
            }
        }
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::remote::snapshot::block::unpack;

    fn block(ids: std::ops::Range<u64>) -> ChangedBlock {
        let record = |id| {
            (
                id,
                format!(r#"{{"id":{id},"name":"Person {id}"}}"#).into_bytes(),
            )
        };
        let records: Records = ids.map(record).collect();
        ChangedBlock {
            packed: pack(&records).unwrap(),
            records,
            before: Some(BTreeMap::new()),
        }
    }

    #[test]
    fn a_part_that_changed_is_packed_as_the_whole_would_be() {
        let changes: [&[(u64, Option<&str>)]; 6] = [
            &[],
            &[(7, Some("new"))],
            &[(0, Some("new")), (31, Some("new")), (31, Some("newer"))],
            &[(69, Some("new")), (3, None)],
            &[(200, Some("added"))],
            &[(3, None), (3, Some("back"))],
        ];
        for changes in changes {
            let mut changed = block(0..70);
            for (id, record) in changes {
                changed.replace(*id, record.map(|text| text.as_bytes().to_vec()));
            }
            let packed = repack(&changed).unwrap();
            assert_eq!(packed, pack(&changed.records).unwrap(), "{changes:?}");
            assert_eq!(unpack(&packed).unwrap(), changed.records);
        }
    }

    #[test]
    fn frames_without_a_change_are_kept() {
        let mut changed = block(0..70);
        changed.replace(20, Some(b"new".to_vec()));
        let kept = frames_to_keep(&changed).unwrap();
        let kept: Vec<bool> = kept.iter().map(Option::is_some).collect();
        assert_eq!(kept, [true, false, true, true, true]);
    }
}
