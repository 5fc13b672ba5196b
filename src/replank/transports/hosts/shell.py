"""What a session on a host needs of the way to it: processes started by a command line, and their streams."""

from __future__ import annotations

from typing import Protocol

from replank.domain.errors import Transient


class Reading(Protocol):
    """A stream that a process writes."""

    async def read(self, n: int = -1, /) -> bytes:
        """At most `n` bytes, b"" at the end. Raises one of the shell's `failures`."""
        ...


class Writing(Protocol):
    """A process's stdin. A process that has ended takes no more: BrokenPipeError, ConnectionResetError."""

    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None:
        """Waits until the other side takes more."""
        ...

    def write_eof(self) -> None: ...


class HostProcess(Protocol):
    """One that was started."""

    @property
    def stdin(self) -> Writing: ...

    @property
    def stdout(self) -> Reading: ...

    @property
    def stderr(self) -> Reading: ...

    @property
    def exit_status(self) -> int | None:
        """None or below zero: nobody told how it ended."""
        ...

    async def wait_closed(self) -> object:
        """Waits until nothing more comes of it."""
        ...

    def close(self) -> object:
        """Lets go of it. What runs on the host may go on."""
        ...


class HostShell(Protocol):
    """Starts processes on one host. `failures`: what it, and their streams, raise where the way is lost."""

    @property
    def failures(self) -> tuple[type[Exception], ...]: ...

    async def start(self, line: str, *, fed: int | None) -> HostProcess:
        """A process of a POSIX shell's command line. `fed`: so many bytes come on its stdin; None = it has
        none. Raises `failures`, and `ReplankError`."""
        ...

    def lost(self, host: str) -> Transient:
        """The error for it. `host`: for messages."""
        ...
