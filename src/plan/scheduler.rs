//! Decides what sending a plan does next. Pure: the executor carries the steps out, and the estimate counts them.

use super::reread_window::RereadWindow;
use super::writes::{Cost, MAX_BATCH};

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<L> {
    /// Take the next lane of the plan, and [`hold`](Scheduler::hold) or [`place`](Scheduler::place) it; or report the
    /// [end of the plan](Scheduler::end_plan).
    TakePlanned,
    /// Take the next of the lanes that were read again, and [`place`](Scheduler::place) it unless it is not sent.
    TakeReread,
    /// Read the customers of these lanes again, and report [how many of them](Scheduler::add_reread) are to be taken.
    Reread(Vec<L>),
    /// Send a lane as soon as a slot is free.
    Send(L),
    /// Send the patches of these lanes in one request as soon as a slot is free.
    SendBatch(Vec<L>),
    /// Wait until a running lane ends.
    AwaitLane,
    Done,
}

/// The lanes between the plan and their end: which wait to be read again, which wait for a batch, and how many are running.
///
/// A lane that relies on a recent reading is sent immediately, or with the next full batch. Others are held until a request
/// that reads them again is worth its cost; they are then sent in the order in which they were held, and their last batch
/// does not wait to be full, since readings age.
#[derive(Debug, Clone)]
pub struct Scheduler<L> {
    window: RereadWindow,
    /// Lanes to be read again, whose cost is in the window.
    held: Vec<L>,
    /// How many lanes were read again and not taken yet.
    reread: usize,
    /// A lane that is to be sent by itself.
    single: Option<L>,
    batch: Vec<L>,
    /// The batch holds readings of just now and is sent without waiting for more lanes.
    is_batch_due: bool,
    running: usize,
    has_plan_ended: bool,
    is_stopped: bool,
    unsent: u64,
    failed: u64,
    /// Stops after this many failed rows; 0: never.
    max_failures: u64,
}

impl<L> Scheduler<L> {
    pub fn new(window: RereadWindow, max_failures: u64) -> Self {
        Self {
            window,
            held: Vec::new(),
            reread: 0,
            single: None,
            batch: Vec::new(),
            is_batch_due: false,
            running: 0,
            has_plan_ended: false,
            is_stopped: false,
            unsent: 0,
            failed: 0,
            max_failures,
        }
    }

    /// Counts rows that failed before.
    #[must_use]
    pub fn with_failed(self, failed: u64) -> Self {
        Self { failed, ..self }
    }

    /// Returns what is to be done next. A lane that a step contains counts as running from then on, or as being read.
    pub fn next_step(&mut self) -> Step<L> {
        if let Some(lane) = self.single.take() {
            self.running += 1;
            return Step::Send(lane);
        }
        if (self.batch.len() >= MAX_BATCH || std::mem::take(&mut self.is_batch_due))
            && let Some(step) = self.send_batch()
        {
            return step;
        }
        if self.reread > 0 {
            self.reread -= 1;
            self.is_batch_due = self.reread == 0;
            return Step::TakeReread;
        }
        // Once the plan has ended, nothing waits for more lanes.
        if !self.is_stopped {
            if !self.held.is_empty() && (self.window.is_full() || self.has_plan_ended) {
                self.window.clear();
                return Step::Reread(std::mem::take(&mut self.held));
            }
            if !self.has_plan_ended {
                return Step::TakePlanned;
            }
            if let Some(step) = self.send_batch() {
                return step;
            }
        }
        match self.running {
            0 => Step::Done,
            _ => Step::AwaitLane,
        }
    }

    fn send_batch(&mut self) -> Option<Step<L>> {
        let lanes = std::mem::take(&mut self.batch);
        self.running += lanes.len();
        (!lanes.is_empty()).then_some(Step::SendBatch(lanes))
    }

    /// Keeps a lane of this cost until its customer is read again, together with others.
    pub fn hold(&mut self, lane: L, cost: Cost) {
        if self.is_stopped {
            self.unsent += 1;
            return;
        }
        self.window.add(cost);
        self.held.push(lane);
    }

    /// Lets a lane be sent, by itself or in a batch.
    pub fn place(&mut self, lane: L, in_batch: bool) {
        if self.is_stopped {
            self.unsent += 1;
        } else if in_batch {
            self.batch.push(lane);
        } else {
            self.single = Some(lane);
        }
    }

    /// The plan has no further lanes.
    pub fn end_plan(&mut self) {
        self.has_plan_ended = true;
    }

    /// This number of lanes was read again.
    pub fn add_reread(&mut self, lanes: usize) {
        self.reread += lanes;
    }

    /// This number of lanes could not be read again.
    pub fn fail_reread(&mut self, lanes: usize) {
        self.unsent += lanes as u64;
        self.stop();
    }

    /// A running lane ended.
    pub fn end_lane(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// A running lane's reading became stale before its first write. `again`: that happened to it before.
    pub fn end_stale(&mut self, lane: L, cost: Cost, again: bool) {
        self.end_lane();
        if again {
            // It was read together with more lanes than could be written in time.
            self.window.shrink();
        }
        self.hold(lane, cost);
    }

    /// This number of lanes ended early, or was not sent, because the run stops.
    pub fn end_unsent(&mut self, lanes: usize) {
        self.running = self.running.saturating_sub(lanes);
        self.unsent += lanes as u64;
        self.stop();
    }

    /// A row failed.
    pub fn count_failure(&mut self) {
        self.failed += 1;
        if self.has_too_many_failures() {
            self.stop();
        }
    }

    /// Sends no more lanes. Those that are running end.
    pub fn stop(&mut self) {
        self.is_stopped = true;
        let waiting = self.held.len() + self.batch.len() + usize::from(self.single.is_some());
        self.unsent += waiting as u64;
        self.held.clear();
        self.batch.clear();
        self.single = None;
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Number of lanes that were taken and are left for a resume.
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Whether the run stops because of failed rows.
    pub fn has_too_many_failures(&self) -> bool {
        self.max_failures > 0 && self.failed >= self.max_failures
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;

    fn single() -> Cost {
        Cost {
            single_writes: 1,
            ..Cost::default()
        }
    }

    fn batched() -> Cost {
        Cost {
            in_batch: true,
            ..Cost::default()
        }
    }

    fn scheduler(max_failures: u64) -> Scheduler<u32> {
        // Three lanes of one request each are written before a reading of them is stale.
        let window = RereadWindow::new(Duration::from_secs(3), 1.0);
        Scheduler::new(window, max_failures)
    }

    use Step::{AwaitLane, Done, Reread, Send, SendBatch, TakePlanned, TakeReread};

    /// What happens before a step, and the step.
    type Transition = (fn(&mut Scheduler<u32>), Step<u32>);

    fn check(name: &str, mut scheduler: Scheduler<u32>, transitions: &[Transition]) {
        for (index, (event, step)) in transitions.iter().enumerate() {
            event(&mut scheduler);
            assert_eq!(scheduler.next_step(), *step, "{name}, step {index}");
        }
    }

    fn no_event(_: &mut Scheduler<u32>) {}

    #[test]
    fn a_lane_by_itself_is_sent_when_it_is_placed() {
        let transitions: &[Transition] = &[
            (no_event, TakePlanned),
            (|s| s.place(1, false), Send(1)),
            (no_event, TakePlanned),
            (|s| s.place(2, false), Send(2)),
            (|s| s.end_lane(), TakePlanned),
            (|s| s.end_plan(), AwaitLane),
            (|s| s.end_lane(), Done),
        ];
        check("single lanes", scheduler(0), transitions);
    }

    #[test]
    fn a_batch_waits_until_it_is_full_or_the_plan_ends() {
        let mut s = scheduler(0);
        for lane in 0..9 {
            assert_eq!(s.next_step(), TakePlanned);
            s.place(lane, true);
        }
        let transitions: &[Transition] = &[
            (no_event, TakePlanned),
            // A lane by itself does not wait for those of the batch.
            (|s| s.place(9, false), Send(9)),
            (no_event, TakePlanned),
            (
                |s| s.place(10, true),
                SendBatch(vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 10]),
            ),
            (no_event, TakePlanned),
            (|s| s.place(11, true), TakePlanned),
            (|s| s.end_plan(), SendBatch(vec![11])),
            (no_event, AwaitLane),
            (|s| (0..11).for_each(|_| s.end_lane()), AwaitLane),
            (|s| s.end_lane(), Done),
        ];
        check("batches", s, transitions);
    }

    #[test]
    fn lanes_are_read_again_when_as_many_are_held_as_can_be_written_in_time() {
        let transitions: &[Transition] = &[
            (|s| s.hold(1, single()), TakePlanned),
            (|s| s.hold(2, single()), TakePlanned),
            (|s| s.place(3, false), Send(3)),
            (|s| s.hold(4, single()), Reread(vec![1, 2, 4])),
            (|s| s.add_reread(3), TakeReread),
            (|s| s.place(1, false), Send(1)),
            // The second one is not sent after all.
            (no_event, TakeReread),
            (no_event, TakeReread),
            (|s| s.place(4, false), Send(4)),
            (no_event, TakePlanned),
            (|s| s.hold(5, single()), TakePlanned),
            (|s| s.end_plan(), Reread(vec![5])),
            (|s| s.add_reread(1), TakeReread),
            (|s| s.place(5, false), Send(5)),
            (no_event, AwaitLane),
        ];
        check("held lanes", scheduler(0), transitions);
    }

    #[test]
    fn a_batch_of_lanes_that_were_read_again_does_not_wait() {
        let transitions: &[Transition] = &[
            (|s| s.place(1, true), TakePlanned),
            (|s| s.hold(2, batched()), TakePlanned),
            (|s| s.hold(3, single()), TakePlanned),
            (|s| s.hold(4, single()), TakePlanned),
            (|s| s.hold(5, single()), Reread(vec![2, 3, 4, 5])),
            (|s| s.add_reread(4), TakeReread),
            (|s| s.place(2, true), TakeReread),
            (|s| s.place(3, false), Send(3)),
            (no_event, TakeReread),
            (|s| s.place(4, true), TakeReread),
            (|s| s.place(5, false), Send(5)),
            (no_event, SendBatch(vec![1, 2, 4])),
            // Lanes of the plan wait for a full batch again.
            (no_event, TakePlanned),
            (|s| s.place(6, true), TakePlanned),
        ];
        check("reread batches", scheduler(0), transitions);
        let mut s = scheduler(0);
        s.add_reread(11);
        let mut to_take: VecDeque<u32> = (0..11).collect();
        let mut batches = Vec::new();
        loop {
            match s.next_step() {
                TakeReread => s.place(to_take.pop_front().unwrap(), true),
                SendBatch(lanes) => batches.push(lanes.len()),
                step => break assert_eq!(step, TakePlanned),
            }
        }
        assert_eq!(batches, [10, 1]);
        s.place(11, true);
        assert_eq!(s.next_step(), TakePlanned, "no longer due");
    }

    #[test]
    fn a_lane_whose_reading_became_stale_is_read_again() {
        let transitions: &[Transition] = &[
            (|s| s.place(1, false), Send(1)),
            (|s| s.end_plan(), AwaitLane),
            (|s| s.end_stale(1, single(), false), Reread(vec![1])),
            (|s| s.add_reread(1), TakeReread),
            (|s| s.place(1, false), Send(1)),
            (no_event, AwaitLane),
            (|s| s.end_lane(), Done),
        ];
        check("stale lanes", scheduler(0), transitions);
        // If it became stale again, it is read with fewer others from then on: four fit before.
        let window = RereadWindow::new(Duration::from_secs(4), 1.0);
        let mut s = Scheduler::new(window, 0);
        s.place(1, false);
        assert_eq!(s.next_step(), Send(1));
        s.end_stale(1, single(), true);
        assert_eq!(s.next_step(), TakePlanned, "two fit");
        s.hold(2, single());
        assert_eq!(s.next_step(), Reread(vec![1, 2]));
    }

    #[test]
    fn a_stop_lets_running_lanes_end_and_leaves_the_rest() {
        let transitions: &[Transition] = &[
            (|s| s.place(1, false), Send(1)),
            (|s| s.hold(2, single()), TakePlanned),
            (|s| s.place(3, true), TakePlanned),
            (|s| s.place(4, false), Send(4)),
            (|s| s.stop(), AwaitLane),
            (|s| s.end_stale(1, single(), false), AwaitLane),
            (|s| s.end_unsent(1), Done),
        ];
        let mut s = scheduler(0);
        for (event, step) in transitions {
            event(&mut s);
            assert_eq!(s.next_step(), *step);
        }
        assert_eq!((s.unsent(), s.failed()), (4, 0));
    }

    /// What reading them again decided of rows is recorded also if the run stops meanwhile.
    #[test]
    fn lanes_that_were_read_again_are_taken_after_a_stop_but_not_sent() {
        let mut s = scheduler(0);
        s.add_reread(2);
        let transitions: &[Transition] = &[
            (no_event, TakeReread),
            (
                |s| {
                    s.stop();
                    s.place(1, false);
                },
                TakeReread,
            ),
            (|s| s.place(2, true), Done),
        ];
        for (event, step) in transitions {
            event(&mut s);
            assert_eq!(s.next_step(), *step);
        }
        assert_eq!(s.unsent(), 2);
    }

    #[test]
    fn a_reading_that_fails_stops_the_run() {
        let mut s = scheduler(0);
        s.end_plan();
        s.hold(1, single());
        s.hold(2, single());
        assert_eq!(s.next_step(), Reread(vec![1, 2]));
        s.fail_reread(2);
        assert_eq!(s.next_step(), Done);
        assert_eq!(s.unsent(), 2);
    }

    #[test]
    fn the_run_stops_at_the_last_failure_that_is_allowed() {
        for (max, is_stopped) in [(0, false), (2, true), (3, false)] {
            let mut s = scheduler(max);
            s.place(1, false);
            s.count_failure();
            s.count_failure();
            assert_eq!(
                (s.has_too_many_failures(), s.is_stopped(), s.failed()),
                (is_stopped, is_stopped, 2),
                "{max}"
            );
            assert_eq!(s.unsent(), u64::from(is_stopped));
        }
    }
}
