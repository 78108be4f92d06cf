use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use super::{AccountDir, StateError};
use crate::pace::{Clock, SharedPace};
use crate::platform::open_or_create_file;

/// A place that is further ahead was written before the clock was set back.
const MAX_AHEAD: Duration = Duration::from_secs(60);
/// Likewise a pause.
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The line of an account's requests from this machine: a file with two times, which processes read and write under its
/// lock. Without it, each process keeps to the limit by itself.
#[derive(Debug)]
pub struct PaceFile {
    file: File,
    clock: Clock,
}

/// Times in microseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    /// When the next request may be sent.
    next: i64,
    paused_until: i64,
}

impl PaceFile {
    /// Opens the file of an account, or creates it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(account: &AccountDir, clock: Clock) -> Result<Self, StateError> {
        let file = open_or_create_file(&account.file("pace"))?;
        Ok(Self { file, clock })
    }

    /// Changes the times under the lock. `None` if another process has it.
    fn update<T>(&mut self, change: impl FnOnce(&mut Times, i64) -> T) -> io::Result<Option<T>> {
        match self.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let now = self.clock.wall().as_microsecond();
        let changed = self.read().and_then(|mut times| {
            let returned = change(&mut times, now);
            self.write(times)?;
            Ok(returned)
        });
        self.file.unlock()?;
        changed.map(Some)
    }

    /// A file that is empty or cut holds no times yet.
    fn read(&mut self) -> io::Result<Times> {
        let mut bytes = Vec::with_capacity(16);
        self.file.seek(SeekFrom::Start(0))?;
        (&self.file).take(16).read_to_end(&mut bytes)?;
        let time = |bytes: &[u8]| bytes.try_into().map_or(0, i64::from_le_bytes);
        let (next, paused_until) = bytes.split_at(bytes.len().min(8));
        Ok(Times {
            next: time(next),
            paused_until: time(paused_until),
        })
    }

    fn write(&mut self, times: Times) -> io::Result<()> {
        let bytes = [times.next.to_le_bytes(), times.paused_until.to_le_bytes()].concat();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&bytes)
    }
}

impl SharedPace for PaceFile {
    fn take_place(&mut self, gap: Duration) -> Option<Duration> {
        let taken = self.update(|times, now| {
            let place = times.place(now);
            times.next = place.saturating_add(micros(gap));
            place - now
        });
        match taken {
            Ok(place) => place.map(|wait| Duration::from_micros(wait.unsigned_abs())),
            Err(error) => {
                tracing::debug!(%error, "the pace is not shared with other processes");
                Some(Duration::ZERO)
            }
        }
    }

    fn pause(&mut self, wait: Duration) {
        let paused = self.update(|times, now| {
            let until = now.saturating_add(micros(wait));
            let earlier = within(times.paused_until, now, MAX_PAUSE).unwrap_or(until);
            times.paused_until = earlier.max(until);
        });
        if let Err(error) = paused {
            tracing::debug!(%error, "the pause is not shared with other processes");
        }
    }
}

impl Times {
    /// When a request may be sent: not before `now`.
    fn place(self, now: i64) -> i64 {
        let next = within(self.next, now, MAX_AHEAD).unwrap_or(now);
        let paused_until = within(self.paused_until, now, MAX_PAUSE).unwrap_or(now);
        now.max(next).max(paused_until)
    }
}

/// A time, unless it is so far ahead that the clock must have been set back since.
fn within(time: i64, now: i64, max: Duration) -> Option<i64> {
    Some(time).filter(|time| *time <= now.saturating_add(micros(max)))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const GAP: Duration = Duration::from_millis(500);

    fn open(account: &AccountDir, clock: Clock) -> PaceFile {
        PaceFile::open(account, clock).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn processes_take_places_a_gap_apart() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountDir::at(folder.path().to_owned());
        let clock = Clock::start(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        let (mut first, mut second) = (open(&account, clock), open(&account, clock));
        let places = [
            first.take_place(GAP),
            second.take_place(GAP),
            first.take_place(GAP),
            second.take_place(GAP * 2),
            first.take_place(GAP),
        ];
        let expected = [0, 1, 2, 3, 5].map(|gaps| Some(GAP * gaps));
        assert_eq!(places, expected);
        // Unused places are not saved up.
        tokio::time::advance(GAP * 20).await;
        assert_eq!(second.take_place(GAP), Some(Duration::ZERO));
        assert_eq!(first.take_place(GAP), Some(GAP));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_for_all_and_a_busy_or_absurd_file_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountDir::at(folder.path().to_owned());
        let clock = Clock::start(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        let (mut first, mut second) = (open(&account, clock), open(&account, clock));
        let pause = Duration::from_secs(120);
        first.pause(pause);
        assert_eq!(second.take_place(GAP), Some(pause));
        first.file.try_lock().unwrap();
        assert_eq!(second.take_place(GAP), None);
        first.file.unlock().unwrap();
        // The clock was set back by a day.
        let day = Duration::from_secs(86_400);
        let earlier =
            Clock::start(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000) - day);
        assert_eq!(
            open(&account, earlier).take_place(GAP),
            Some(Duration::ZERO)
        );
        let pause = Duration::from_secs(30);
        open(&account, earlier).pause(pause);
        assert_eq!(open(&account, earlier).take_place(GAP), Some(pause));
        std::fs::write(account.file("pace"), "cut").unwrap();
        assert_eq!(second.take_place(GAP), Some(Duration::ZERO));
    }
}
