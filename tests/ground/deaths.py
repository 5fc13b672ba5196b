"""A run that dies at every point once, and who watches it."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desk import Desk


@dataclass(slots=True)
class Deaths:
    """`died`: the points, over all runs that share the file. `watch`: called after each death, before the
    next life begins. `help_out`: called when a life has been silent for a while, as holds want people."""

    desk: Desk
    watch: Callable[[], object]
    tell: Callable[[str], None]
    died: Path = field(init=False)

    def __post_init__(self) -> None:
        self.died = self.desk.folder / "died.txt"

    def all(self, *command: object, help_out: Callable[[], None], limit_s: float) -> int:
        """Carries the command's run through all of its points. How often it was killed."""
        name, end, kills = self.desk.cluster.name, time.monotonic() + limit_s, 0
        relay = self._relay(command)
        try:
            while time.monotonic() < end:
                line = self._next(relay, help_out)
                if line is None:
                    continue
                if "ended" in line:
                    assert line["ended"] == 0, self._said()
                    return kills
                kills += 1
                self.tell(f"{kills:4} killed at {line['killed']} after {line['seconds']} s")
                self.watch()
                self._answer(relay)
            raise AssertionError(f"{name}: not done within {limit_s:.0f} s and {kills} kills: {self._said()}")
        finally:
            self._end(relay)

    def _relay(self, command: tuple[object, ...]) -> subprocess.Popen[str]:
        fleet = ["--fleet", str(self.desk.fleet)]
        then = shlex.join(["resume", self.desk.cluster.name, *fleet])
        log = self.desk.folder / "lives.log"
        options = ["--died", str(self.died), "--log", str(log), "--then", then]
        return subprocess.Popen(
            [sys.executable, "-m", "replank.testbed.crash", *options, "--", *map(str, command), *fleet],
            cwd=self.desk.folder,
            env=self.desk.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.desk.folder / "relay.log").open("a"),
            text=True,
            start_new_session=True,
        )

    def _next(self, relay: subprocess.Popen[str], help_out: Callable[[], None]) -> dict[str, Any] | None:
        """The relay's next line, None where it has been silent for 8 s."""
        assert relay.stdout is not None
        if not select.select([relay.stdout], [], [], 8)[0]:
            help_out()
            return None
        text = relay.stdout.readline()
        assert text, f"the relay is gone: {self._said()}"
        return dict(json.loads(text))

    def _answer(self, relay: subprocess.Popen[str]) -> None:
        assert relay.stdin is not None
        relay.stdin.write("on\n")
        relay.stdin.flush()

    def _end(self, relay: subprocess.Popen[str]) -> None:
        """And the life that it may have started: they are a process group of their own."""
        if relay.poll() is None:
            os.killpg(relay.pid, signal.SIGKILL)
        relay.communicate()

    def _said(self) -> str:
        logs = [self.desk.folder / name for name in ("relay.log", "lives.log")]
        return "\n".join(log.read_text()[-4000:] for log in logs if log.exists())
