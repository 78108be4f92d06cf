from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

FAKE = """#!{python}
import json, os, pathlib, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
folder = pathlib.Path({folder!r})
calls = json.loads((folder / "calls").read_text())
calls.append({{"argv": sys.argv[1:], "env": dict(os.environ)}})
(folder / "calls").write_text(json.dumps(calls))
step = json.loads((folder / "steps").read_text())[len(calls) - 1]
for line in step["says"]:
    print(line, flush=True)
if step["waits"]:
    signal.sigwait([signal.SIGTERM])
    print("stopped", flush=True)
if step["summary"]:
    pathlib.Path(os.environ["HCSYNC_SUMMARY"]).write_text(json.dumps(step["summary"]))
if "--report" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--report") + 1]).write_text("the plan")
if step["code"] < 0:
    os.kill(os.getpid(), -step["code"])
sys.exit(step["code"])
"""


class FakeHcsync:
    """A program that does what a test says, one step a call, and notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[dict[str, Any]] = []
        self.program = folder / "hcsync"
        self.program.write_text(FAKE.format(python=sys.executable, folder=str(folder)))
        self.program.chmod(0o755)
        (folder / "calls").write_text("[]")

    def then(self, code: int, summary: dict[str, Any] | None = None, says: tuple[str, ...] = (), waits: bool = False) -> None:
        self.steps.append({"code": code, "summary": summary, "says": says, "waits": waits})
        (self.folder / "steps").write_text(json.dumps(self.steps))

    @property
    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = json.loads((self.folder / "calls").read_text())
        return calls

    @property
    def commands(self) -> list[list[str]]:
        return [call["argv"][:2] for call in self.calls]


@pytest.fixture
def hcsync(tmp_path: Path) -> FakeHcsync:
    return FakeHcsync(tmp_path)
