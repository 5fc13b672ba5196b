"""One life after the other: a run that dies at every point once, and is carried on each time.

Each life is a process forked from one that has only imported; an import of all takes longer than what most
lives do. Whoever drives the relay hears of every death before the next life begins, and can look around.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import replank
from replank.testbed.crash.death import points_in

_LOADED: Final = ("app", "engine", "migrations", "report", "survey", "transports")
_NOT_BEGUN: Final = ("run-started", "approved")
_LAST: Final = "run-done"


class Relay:
    """`first`: arguments of the command that begins; `then`: of the one that carries on. `log`: gets what
    they print."""

    def __init__(self, first: Sequence[str], then: Sequence[str], died: Path, log: Path) -> None:
        self._first = list(first)
        self._then = list(then)
        self._died = died
        self._log = log

    def run(self) -> int:
        """The exit status of the life that died no more.

        For each death prints `{"killed": POINT, "seconds": S}` and waits for a line on stdin; at the end
        `{"ended": STATUS}`.
        """
        load()
        arguments = self._first
        while True:
            before, began = points_in(self._died), time.monotonic()
            status = self._life(arguments)
            met = points_in(self._died)[len(before) :]
            if not os.WIFSIGNALED(status):
                return _end(os.waitstatus_to_exitcode(status))
            if os.WTERMSIG(status) != signal.SIGKILL or len(met) != 1:
                raise RuntimeError(f"it died of signal {os.WTERMSIG(status)}, not of ours; points: {met}")
            word = met[0].rsplit(" ", 1)[1]
            _say({"killed": met[0], "seconds": round(time.monotonic() - began, 1)})
            if not sys.stdin.readline():
                return 1
            if word == _LAST:
                return _end(0)
            if word not in _NOT_BEGUN:
                arguments = self._then

    def _life(self, arguments: Sequence[str]) -> int:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _live(arguments, self._log)
        return os.waitpid(child, 0)[1]


def command_line(arguments: Sequence[str]) -> None:
    """`python -m replank ARGUMENTS` in this process; ends it."""
    sys.argv = ["replank", *arguments]
    runpy.run_module("replank", run_name="__main__", alter_sys=True)


def load() -> None:
    """Imports what commands import when they run. Raises `RuntimeError` where that began a thread."""
    for name in _LOADED:
        package = importlib.import_module(f"replank.{name}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    if threading.active_count() != 1:
        raise RuntimeError(f"importing {replank.__name__} began threads, which a fork does not take along")
    gc.freeze()


def _live(arguments: Sequence[str], log: Path) -> None:
    """In the child; never returns."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        command_line(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  (above it is the parent's code)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end(status: int) -> int:
    _say({"ended": status})
    return status


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
