from __future__ import annotations

import logging
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException
from conftest import FakeHcsync

from hcsync_airflow import operators
from hcsync_airflow.operators import HcsyncApplyOperator, HcsyncPlanOperator, HcsyncSyncOperator

RETRIES = 3


class FakeTaskInstance:
    def __init__(self, try_number: int, max_tries: int) -> None:
        self.try_number, self.max_tries = try_number, max_tries
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


class FakeStore(dict[str, str]):
    def set(self, key: str, value: str) -> None:
        self[key] = value


def context(try_number: int = 1, max_tries: int = RETRIES, store: FakeStore | None = None) -> Any:
    ti = FakeTaskInstance(try_number, max_tries)
    return {"ti": ti} if store is None else {"ti": ti, "task_state_store": store}


def sync(hcsync: FakeHcsync, **kwargs: Any) -> HcsyncSyncOperator:
    return HcsyncSyncOperator(task_id="sync", config="a.toml", hcsync=str(hcsync.program), retries=RETRIES, **kwargs)


def stopped(code: int, run: str | None = "r1") -> dict[str, Any]:
    command = run and f"hcsync resume {run} --config a.toml"
    return {"exit_code": code, "run_id": run, "stop": {"message": "why", "next_command": command}}


def bad_rows() -> dict[str, Any]:
    return {"exit_code": 3, "results": {"rejected": 2, "failed": 0, "in_doubt": 1}, "stop": None}


def planned(**counts: int) -> dict[str, Any]:
    return {"exit_code": 0, "planned": {"create": 0, "patch": 0, "unchanged": 9, **counts}, "plan_digest": "d1", "stop": None}


def test_a_finished_run_succeeds_with_its_summary(hcsync: FakeHcsync) -> None:
    hcsync.then(0, {"exit_code": 0, "stop": None})
    assert sync(hcsync, inputs=["-export.csv"]).execute(context()) == {"exit_code": 0, "stop": None}
    assert hcsync.calls[0]["argv"] == ["sync", "--config", "a.toml", "--", "-export.csv"]


@pytest.mark.parametrize("code", [2, 4])
def test_what_a_retry_cannot_change_fails_without_one(hcsync: FakeHcsync, code: int) -> None:
    hcsync.then(code, stopped(code, run=None))
    now = context()
    with pytest.raises(AirflowFailException, match=f"exit code {code}: why"):
        sync(hcsync).execute(now)
    assert now["ti"].xcoms["return_value"]["exit_code"] == code


@pytest.mark.parametrize("code", [1, 5, 7, 130, 143, 99])
def test_what_a_retry_can_finish_is_retried(hcsync: FakeHcsync, code: int) -> None:
    hcsync.then(code, stopped(code))
    now = context()
    with pytest.raises(AirflowException, match=f"exit code {code}: why") as raised:
        sync(hcsync).execute(now)
    assert not isinstance(raised.value, AirflowFailException)
    assert now["ti"].xcoms["return_value"]["exit_code"] == code


def test_a_killed_run_is_retried(hcsync: FakeHcsync) -> None:
    hcsync.then(-9)
    with pytest.raises(AirflowException, match="killed by signal 9") as raised:
        sync(hcsync).execute(context())
    assert not isinstance(raised.value, AirflowFailException)


def test_bad_rows_are_what_the_dag_says(hcsync: FakeHcsync, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        hcsync.then(3, bad_rows())
    with pytest.raises(AirflowFailException, match="2 rows rejected, 1 rows in_doubt"):
        sync(hcsync).execute(context())
    with pytest.raises(AirflowSkipException):
        sync(hcsync, on_bad_rows="skip").execute(context())
    assert sync(hcsync, on_bad_rows="succeed").execute(context()) == bad_rows()
    assert "[warning  ] exit code 3: 2 rows rejected" in capsys.readouterr().out


def test_a_retry_resumes_the_run_of_the_try_before(hcsync: FakeHcsync) -> None:
    hcsync.then(7, stopped(7))
    hcsync.then(0, {"exit_code": 0, "stop": None})
    store = FakeStore()
    with pytest.raises(AirflowException):
        sync(hcsync).execute(context(store=store))
    sync(hcsync).execute(context(try_number=2, store=store))
    assert hcsync.commands == [["sync", "--config"], ["resume", "r1"]]


def test_a_run_that_cannot_be_resumed_is_done_anew(hcsync: FakeHcsync) -> None:
    hcsync.then(2, stopped(2, run=None))
    hcsync.then(0, {"exit_code": 0, "stop": None})
    sync(hcsync).execute(context(try_number=2, store=FakeStore({operators.RUN_ID: "r1"})))
    assert hcsync.commands == [["resume", "r1"], ["sync", "--config"]]


@pytest.mark.parametrize("now", [context(2), context(5, max_tries=7, store=FakeStore({operators.RUN_ID: "r1"}))])
def test_without_a_store_or_after_a_clear_the_sync_is_done_anew(hcsync: FakeHcsync, now: Any) -> None:
    hcsync.then(0, {"exit_code": 0, "stop": None})
    sync(hcsync).execute(now)
    assert hcsync.commands == [["sync", "--config"]]


def test_secrets_reach_hcsync_through_its_environment_alone(
    hcsync: FakeHcsync, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ACME", '{"conn_type": "generic", "password": "the-key"}')
    state = "postgres://us%40er:the-password@db:5433/state?sslmode=require&cursor=dictcursor"
    monkeypatch.setenv("AIRFLOW_CONN_STATE", state)
    hcsync.then(0, {"exit_code": 0, "stop": None})
    options = {"max-duration": "2h", "probe": True}
    sync(hcsync, api_conn_id="acme", state_conn_id="state", options=options).execute(context())
    call = hcsync.calls[0]
    assert call["env"]["HELPCRUNCH_API_KEY"] == "the-key"
    assert call["env"]["HCSYNC_STATE_URL"] == "postgres://us%40er@db:5433/state?sslmode=require"
    assert call["env"]["PGPASSWORD"] == "the-password"
    assert (call["env"]["HCSYNC_MAX_DURATION"], call["env"]["HCSYNC_PROBE"]) == ("2h", "true")
    shown = " ".join(call["argv"]) + capsys.readouterr().out
    assert "Running" in shown
    for secret in ("the-key", "the-password"):
        assert secret not in shown


def test_records_of_hcsync_keep_their_level(hcsync: FakeHcsync, capsys: pytest.CaptureFixture[str]) -> None:
    failure = '{"level": "ERROR", "fields": {"message": "the key was refused", "exit_code": 1, "help": "check it"}}'
    hcsync.then(0, {"exit_code": 0, "stop": None}, says=("Plan: +1", failure, "{no record", '{"level": "?"}'))
    sync(hcsync).execute(context())
    shown = capsys.readouterr().out
    for line in (
        "[error    ] the key was refused; help: check it",
        "[info     ] Plan: +1",
        "[info     ] {no record",
        '] {"level": "?"}',
    ):
        assert line in shown


def interrupted_by(act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has something happen, as a signal handler would, when hcsync says that it works."""

    def read(line: str) -> tuple[int, str]:
        if line == "working":
            act()
        return logging.INFO, line

    monkeypatch.setattr(operators, "_log_record", read)


def test_a_kill_stops_hcsync_and_waits_for_it(
    hcsync: FakeHcsync, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hcsync.then(143, stopped(143), says=("working",), waits=True)
    task = sync(hcsync)
    interrupted_by(task.on_kill, monkeypatch)
    store = FakeStore()
    with pytest.raises(AirflowException, match="exit code 143"):
        task.execute(context(store=store))
    assert "stopped" in capsys.readouterr().out
    assert store == {operators.RUN_ID: "r1"}


def test_a_timeout_stops_hcsync_and_waits_for_it(
    hcsync: FakeHcsync, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def time_out() -> None:
        raise KeyboardInterrupt

    hcsync.then(143, stopped(143), says=("working",), waits=True)
    interrupted_by(time_out, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        sync(hcsync).execute(context())
    assert "stopped" in capsys.readouterr().out


def plan(hcsync: FakeHcsync) -> HcsyncPlanOperator:
    return HcsyncPlanOperator(task_id="plan", config="a.toml", hcsync=str(hcsync.program), plan="p", inputs=["in.csv"])


def test_a_plan_pushes_digest_and_report(hcsync: FakeHcsync) -> None:
    hcsync.then(3, {**planned(create=1), "exit_code": 3})
    now = context()
    assert plan(hcsync).execute(now)["planned"]["create"] == 1
    assert now["ti"].xcoms == {"plan_digest": "d1", "report": "the plan"}
    assert hcsync.calls[0]["argv"][:3] == ["plan", "--out", "p"]


def test_a_plan_without_changes_is_skipped(hcsync: FakeHcsync) -> None:
    hcsync.then(0, planned())
    with pytest.raises(AirflowSkipException):
        plan(hcsync).execute(context())


def apply(hcsync: FakeHcsync) -> HcsyncApplyOperator:
    return HcsyncApplyOperator(
        task_id="apply", config="a.toml", hcsync=str(hcsync.program), plan="p", digest="d1", retries=RETRIES
    )


def test_exactly_the_approved_plan_is_applied(hcsync: FakeHcsync) -> None:
    hcsync.then(0, {"exit_code": 0, "stop": None})
    apply(hcsync).execute(context())
    assert hcsync.calls[0]["argv"] == ["apply", "p", "--digest", "d1", "--config", "a.toml"]


def test_a_plan_that_a_killed_try_applied_in_part_is_resumed(hcsync: FakeHcsync) -> None:
    hcsync.then(2, stopped(2))
    hcsync.then(0, {"exit_code": 0, "stop": None})
    apply(hcsync).execute(context(try_number=2))
    assert hcsync.commands == [["apply", "p"], ["resume", "r1"]]
