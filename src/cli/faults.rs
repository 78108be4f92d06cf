//! A fault of this program ends a command as any other failure does: with its exit code, and with a summary.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use super::exit::{Exit, Failure};

/// The end of a command, also where it panics.
pub(super) async fn guarded(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let mut command = Box::pin(command);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| command.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err(fault())),
        },
    )
    .await
}

fn fault() -> Failure {
    let message = "a fault of hcsync ended the command";
    Failure::new(Exit::NotFinished, "internal", message).hint(
        "report it as a bug, with what is printed above; `hcsync runs` tells whether a run can be gone on with",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let ended = guarded(async {
            tokio::task::yield_now().await;
            let exits: [Exit; 0] = [];
            Ok(*exits.first().expect("a fault made on purpose"))
        })
        .await;
        let failure = ended.unwrap_err();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::NotFinished, "internal")
        );
        assert!(guarded(async { Ok(Exit::Done) }).await.is_ok());
    }
}
