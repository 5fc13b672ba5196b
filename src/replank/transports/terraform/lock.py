"""The lock of Terraform's local back end, held as the tool holds it, for as long as this process lives.

Source: Terraform v1.11 and OpenTofu v1.9, internal/states/statemgr/filesystem.go, filesystem_lock_unix.go: a
POSIX write lock on the whole state file, and `.<name>.lock.info` beside it that says whose it is. The tool
takes a POSIX lock for its process; those are lost when the process closes *any* handle of the file, and
replank reads states all the time. So the lock is taken for an open file description (F_OFD_SETLK, fcntl(2)),
which conflicts with POSIX locks and stays. Where the system has none (macOS), nothing is held and that is
said.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from replank.domain.errors import Hold, Refused
from replank.transports.terraform.files import lock_info_path, read_lock, unreadable

_OFD_SETLK: Final[int | None] = getattr(fcntl, "F_OFD_SETLK", None)
_OPERATION: Final = "replank takeover"


@dataclass(slots=True)
class StateLocks:
    """The locks that this process holds. Threads may share it. `version`: replank's, for the info file."""

    version: str = ""
    _held: dict[Path, tuple[int, str]] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock)

    def take(self, state: Path, holder: str) -> str:
        """How the lock is held; "" where this system cannot hold it. One that `holder` has stays his.

        Raises `Hold` RP955 (somebody else has it), `Refused` RP020 (no such file), RP956 (may not write it).
        """
        if _OFD_SETLK is None or sys.maxsize < 2**32:
            return ""
        says = f"the lock of the local back end on {state}"
        with self._guard:
            if state in self._held:
                if self._held[state][1] != holder:
                    raise _locked(state)
                return says
            handle = _opened(state)
            try:
                if not _locks(handle):
                    raise _locked(state)
                self._write_info(state, holder)
            except BaseException:
                os.close(handle)
                raise
            self._held[state] = (handle, holder)
        return says

    def give_back(self, state: Path, holder: str) -> None:
        """Ends the lock of `holder`, also one whose process is gone and left its info file. Others stay."""
        with self._guard:
            handle, by = self._held.get(state, (-1, ""))
            if handle >= 0 and by == holder:
                lock_info_path(state).unlink(missing_ok=True)
                # Closing the last handle of an open file description ends its lock.
                os.close(handle)
                del self._held[state]
            elif handle < 0:
                _clear_left_over(state, holder)

    def close(self) -> None:
        """Gives all of them back."""
        for state, (_, holder) in list(self._held.items()):
            self.give_back(state, holder)

    def _write_info(self, state: Path, holder: str) -> None:
        """Whoever meets the lock is told this by the tool."""
        info = {
            "ID": str(uuid.uuid4()),
            "Operation": _OPERATION,
            "Info": "a takeover by Cluster API is under way",
            "Who": holder,
            "Version": self.version,
            "Created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "Path": str(state),
        }
        path = lock_info_path(state)
        try:
            path.write_text(json.dumps(info), encoding="utf-8")
        except OSError as error:
            raise _may_not(path, error) from error


def _clear_left_over(state: Path, holder: str) -> None:
    info = read_lock(state)
    if info is None or info.who != holder or info.operation != _OPERATION:
        return
    handle = _opened(state)
    try:
        # Held again, so nobody who has the lock loses his info file.
        if _OFD_SETLK is not None and _locks(handle):
            lock_info_path(state).unlink(missing_ok=True)
    finally:
        os.close(handle)


def _opened(state: Path) -> int:
    try:
        return os.open(state, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise unreadable(state, error) from error
    except OSError as error:
        raise _may_not(state, error) from error


def _locks(handle: int) -> bool:
    """Whether the whole file could be locked for writing."""
    # struct flock of 64-bit Linux: type, whence, start, length (0 = all), pid (must be 0).
    flock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, flock)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _locked(state: Path) -> Hold:
    info = read_lock(state)
    who = f"{info.who or 'somebody'}, {info.operation or 'unknown operation'}" if info else "somebody"
    return Hold(
        "RP955",
        "The lock of the state is not free",
        f"held by {who}" + (f" since {info.created}" if info and info.created else ""),
        "It is waited for. If nobody works with this state, see what holds the file.",
        where=str(state),
    )


def _may_not(path: Path, error: OSError) -> Refused:
    return Refused(
        "RP956",
        "The state cannot be locked",
        error.strerror or type(error).__name__,
        "Get write access to the state and its folder, or set `lock_state: false` in fleet.yaml and see to "
        "it that nobody runs `apply` meanwhile.",
        where=str(path),
    )
