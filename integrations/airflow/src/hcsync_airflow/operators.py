"""Operators that run hcsync. `docs/how-to/airflow.md` says what each exit code becomes, and why."""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseHook,
    BaseOperator,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

Summary = dict[str, Any]
"""What summary.json holds; empty if hcsync was killed."""

OnBadRows = Literal["fail", "succeed", "skip"]
"""What the task becomes if the run finished, but rows were rejected, failed or left in doubt (exit code 3)."""

NOT_POSSIBLE = 2
BAD_ROWS = 3
REFUSED = 4

RUN_ID = "hcsync_run_id"
"""The key in the task's state store under which a retry finds the run that it resumes."""

LOG_LEVELS = {"ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO}


class _HcsyncOperator(BaseOperator):
    """
    Runs hcsync and turns its exit code into a state of the task.

    :param config: config file of the account
    :param options: further options, as in ``{"max-duration": "2h"}``; passed as ``HCSYNC_…``, so that they also hold for a
        retry. They are shown in the UI: no secrets.
    :param api_conn_id: Airflow connection whose password is the API key; without it, the key comes from the config's
        ``api.key_file`` or the worker's environment
    :param state_conn_id: Airflow connection to the PostgreSQL database that keeps the state; without it, the state is where
        the config or the worker's environment says
    :param on_bad_rows: see :data:`OnBadRows`
    :param hcsync: the program
    """

    template_fields: Sequence[str] = ("config", "options", "api_conn_id", "state_conn_id")

    _process: subprocess.Popen[str] | None = None

    def __init__(
        self,
        *,
        config: str,
        options: Mapping[str, object] | None = None,
        api_conn_id: str | None = None,
        state_conn_id: str | None = None,
        on_bad_rows: OnBadRows = "fail",
        hcsync: str = "hcsync",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.options = options
        self.api_conn_id = api_conn_id
        self.state_conn_id = state_conn_id
        self.on_bad_rows = on_bad_rows
        self.hcsync = hcsync

    def on_kill(self) -> None:
        # hcsync ends within 12 s. `execute` keeps reading its log meanwhile, and ends when hcsync does.
        if self._process is not None:
            self._process.terminate()

    def _run(self, *command: str, inputs: Sequence[str] = ()) -> tuple[int, Summary]:
        words = [self.hcsync, *command, "--config", self.config]
        if inputs:
            words += ["--", *inputs]
        self.log.info("Running %s", shlex.join(words))
        with tempfile.TemporaryDirectory(prefix="hcsync-") as folder:
            summary = Path(folder, "summary.json")
            code = self._stream(words, {**self._environment(), "HCSYNC_SUMMARY": str(summary)})
            return code, json.loads(summary.read_text()) if summary.exists() else {}

    def _environment(self) -> dict[str, str]:
        environment = {
            **os.environ,
            "HCSYNC_EXAMPLES": "0",  # Logs never hold values of customers.
            "HCSYNC_LOG_FORMAT": "json",
            "HCSYNC_YES": "true",
        }
        for option, value in (self.options or {}).items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            environment["HCSYNC_" + option.upper().replace("-", "_")] = text
        if self.api_conn_id:
            environment["HELPCRUNCH_API_KEY"] = BaseHook.get_connection(self.api_conn_id).password or ""
        if self.state_conn_id:
            state = BaseHook.get_connection(self.state_conn_id)
            tls = {name: value for name, value in state.extra_dejson.items() if name in ("sslmode", "sslrootcert")}
            query = f"?{urlencode(tls)}" if tls else ""
            server = f"{quote(state.login or '', safe='')}@{state.host}:{state.port or 5432}"
            environment["HCSYNC_STATE_URL"] = f"postgres://{server}/{state.schema}{query}"
            environment["PGPASSWORD"] = state.password or ""
        return environment

    def _stream(self, words: Sequence[str], environment: Mapping[str, str]) -> int:
        """Runs a command, with its output in the task's log, line by line; returns its exit code."""
        with subprocess.Popen(  # noqa: S603, without a shell
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # A signal to the worker's process group reaches hcsync once, by `on_kill`.
        ) as process:
            self._process = process
            try:
                self._log_lines(process)
            except BaseException:  # execution_timeout
                process.terminate()
                self._log_lines(process)
                raise
        return process.returncode

    def _log_lines(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            level, text = _log_record(line.rstrip())
            self.log.log(level, "%s", text)

    def _end(self, context: Context, code: int, summary: Summary) -> Summary:
        """Returns the summary as the task's result, or raises what the exit code becomes."""
        if code == 0:
            return summary
        message = _describe(code, summary)
        if code == BAD_ROWS and self.on_bad_rows == "succeed":
            self.log.warning("%s", message)
            return summary
        if self.do_xcom_push:
            context["ti"].xcom_push(key="return_value", value=summary)
        if code == BAD_ROWS and self.on_bad_rows == "skip":
            raise AirflowSkipException(message)
        if code in (NOT_POSSIBLE, BAD_ROWS, REFUSED):
            raise AirflowFailException(message)
        raise AirflowException(message)


class _SendingOperator(_HcsyncOperator):
    """Runs a command that sends. A retry resumes the run of the try before it."""

    def _send(self, context: Context, *command: str, inputs: Sequence[str] = ()) -> Summary:
        store: Any = context.get("task_state_store")  # since Airflow 3.3
        code, summary = NOT_POSSIBLE, Summary()
        if store is not None and self._is_retry(context) and (run := store.get(RUN_ID)):
            # Not possible if another run settled it meanwhile, or if this worker has other state.
            code, summary = self._run("resume", run)
        if code == NOT_POSSIBLE:
            code, summary = self._run(*command, inputs=inputs)
            if code == NOT_POSSIBLE and (run := _run_to_resume(summary)):
                # A try that was killed has applied a part of the plan.
                code, summary = self._run("resume", run)
        if store is not None and (run := _run_to_resume(summary)):
            store.set(RUN_ID, run)
        return self._end(context, code, summary)

    def _is_retry(self, context: Context) -> bool:
        """Whether Airflow tries again by itself. A task that somebody cleared starts anew, with the input as it is now."""
        ti: Any = context["ti"]
        first_try: int = ti.max_tries - (self.retries or 0) + 1
        return bool(ti.try_number > first_try)


class HcsyncSyncOperator(_SendingOperator):
    """
    Syncs one account: ``hcsync sync``.

    :param inputs: files to read; without any, the config's ``[input]``
    """

    template_fields: Sequence[str] = (*_HcsyncOperator.template_fields, "inputs")

    def __init__(self, *, inputs: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inputs = inputs

    def execute(self, context: Context) -> Summary:
        return self._send(context, "sync", inputs=self.inputs)


class HcsyncPlanOperator(_HcsyncOperator):
    """
    Saves what a sync would do: ``hcsync plan``. Is skipped, and what follows with it, if there is nothing to change.

    Pushes ``plan_digest``, which :class:`HcsyncApplyOperator` asks for, and ``report``: the plan in Markdown, without values of
    customers, for whoever approves it.

    :param plan: file to save the plan in; it holds values of customers
    :param inputs: files to read; without any, the config's ``[input]``
    """

    template_fields: Sequence[str] = (*_HcsyncOperator.template_fields, "plan", "inputs")

    def __init__(self, *, plan: str, inputs: Sequence[str] = (), on_bad_rows: OnBadRows = "succeed", **kwargs: Any) -> None:
        super().__init__(on_bad_rows=on_bad_rows, **kwargs)
        self.plan = plan
        self.inputs = inputs

    def execute(self, context: Context) -> Summary:
        with tempfile.TemporaryDirectory(prefix="hcsync-") as folder:
            report = Path(folder, "plan.md")
            code, summary = self._run("plan", "--out", self.plan, "--report", str(report), inputs=self.inputs)
            result = self._end(context, code, summary)
            if not any(summary["planned"].get(op) for op in ("create", "patch", "tag", "untag", "delete")):
                raise AirflowSkipException("there is nothing to change")
            context["ti"].xcom_push(key="plan_digest", value=summary["plan_digest"])
            context["ti"].xcom_push(key="report", value=report.read_text())
        return result


class HcsyncApplyOperator(_SendingOperator):
    """
    Applies a saved plan, and no other: ``hcsync apply --digest``.

    :param plan: the file that :class:`HcsyncPlanOperator` saved
    :param digest: the digest of the plan that was approved
    """

    template_fields: Sequence[str] = (*_HcsyncOperator.template_fields, "plan", "digest")

    def __init__(self, *, plan: str, digest: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.digest = digest

    def execute(self, context: Context) -> Summary:
        return self._send(context, "apply", self.plan, "--digest", self.digest)


def _log_record(line: str) -> tuple[int, str]:
    try:
        record = json.loads(line)
        level, fields = LOG_LEVELS.get(record["level"], logging.DEBUG), record["fields"]
        facts = [fields["message"], *(f"{name}: {fields[name]}" for name in ("help", "next") if name in fields)]
        return level, "; ".join(facts)
    except (KeyError, TypeError, ValueError):  # the plan and the end report, or what an `input.command` writes
        return logging.INFO, line


def _run_to_resume(summary: Summary) -> str | None:
    """The run that the summary says to resume."""
    command = ((summary.get("stop") or {}).get("next_command") or "").split()
    return command[2] if command[:2] == ["hcsync", "resume"] else None


def _describe(code: int, summary: Summary) -> str:
    if code < 0:
        return f"hcsync was killed by signal {-code}"
    if stop := summary.get("stop"):
        return f"exit code {code}: {stop['message']}"
    counts = {status: summary.get("results", {}).get(status) for status in ("rejected", "failed", "in_doubt")}
    return f"exit code {code}: " + ", ".join(f"{count} rows {status}" for status, count in counts.items() if count)
