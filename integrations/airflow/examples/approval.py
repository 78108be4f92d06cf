"""Plans each account, waits until a person has approved the plan, and applies exactly that one."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, task, task_group

from hcsync_airflow.operators import HcsyncApplyOperator, HcsyncPlanOperator

ACCOUNTS = Path("/etc/hcsync/accounts")
PLANS = Path("/srv/hcsync/plans")  # shared by all workers; plans hold values of customers

with DAG("hcsync_approval", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):

    @task
    def accounts() -> list[str]:
        return sorted(str(config) for config in ACCOUNTS.glob("*.toml"))

    @task_group
    def account(config: str) -> None:
        plan_file = f"{PLANS}/{{{{ run_id }}}}.{{{{ ti.map_index }}}}.plan"
        plan = HcsyncPlanOperator(task_id="plan", config=config, state_conn_id="hcsync_state", plan=plan_file, retries=2)
        approve = ApprovalOperator(
            task_id="approve",
            subject="Send this to HelpCrunch?",
            body="{{ ti.xcom_pull(task_ids='account.plan', map_indexes=ti.map_index, key='report') }}",
            response_timeout=timedelta(hours=20),
            fail_on_reject=True,  # Otherwise Airflow 3.3.2 runs what follows a rejection in a mapped task group.
        )
        apply = HcsyncApplyOperator(
            task_id="apply",
            config=config,
            state_conn_id="hcsync_state",
            plan=plan_file,
            digest="{{ ti.xcom_pull(task_ids='account.plan', map_indexes=ti.map_index, key='plan_digest') }}",
            retries=5,
            retry_delay=timedelta(minutes=2),
        )
        plan >> approve >> apply

    account.expand(config=accounts())
