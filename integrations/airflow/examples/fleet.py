"""Syncs a fleet every night: a mapped task for each config in a folder. A new account is a new file there."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, task

from hcsync_airflow.operators import HcsyncSyncOperator

ACCOUNTS = Path("/etc/hcsync/accounts")  # the same on every worker

with DAG(
    "hcsync_fleet",
    schedule="15 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
):

    @task
    def accounts() -> list[str]:
        return sorted(str(config) for config in ACCOUNTS.glob("*.toml"))

    HcsyncSyncOperator.partial(
        task_id="sync",
        state_conn_id="hcsync_state",
        # Its slots are how many accounts are synced at once. Each account has its own limit, which hcsync keeps.
        pool="hcsync",
        map_index_template="{{ task.config.rpartition('/')[2] }}",
        retries=5,
        # A killed hcsync holds its account for 60 s.
        retry_delay=timedelta(minutes=2),
    ).expand(config=accounts())
