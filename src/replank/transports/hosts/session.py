"""Commands on one machine: only those of the fixed list, with sudo where granted, with bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.errors import Refused, ReplankError, Transient
from replank.inventory.fleet.model import SshAccess
from replank.inventory.hosts import commands
from replank.inventory.hosts.command import Call, HostCommand
from replank.transports.hosts.shell import HostProcess, HostShell, Reading, Writing

OUTPUT_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of output after which a command is cut off: the largest expected, a package list, has 100 KiB."""

COMMAND_TIMEOUT_S: Final = 30.0
IDLE_TIMEOUT_S: Final = 60.0
"""Seconds without a byte after which a stream is given up."""

# sshd's MaxSessions is 10 (sshd_config(5)).
_PARALLEL: Final = 4
_CURL_REASONS: Final = {
    6: "the name of the endpoint could not be resolved",
    7: "the connection was refused",
    18: "the answer stopped half-way",
    28: "there was no answer in time",
    35: "the TLS handshake failed",
    52: "the answer was empty",
    56: "the connection was reset (a certificate that etcd does not accept?)",
    58: "the client certificate cannot be used",
    60: "the server's certificate is not signed by that CA",
    77: "the CA file cannot be read",
}
# What a machine that boots, or an etcd that is started anew, looks like.
_CURL_TRIES_AGAIN: Final = frozenset({7, 18, 28, 35, 52, 56})


@dataclass(frozen=True, slots=True)
class Output:
    """What a command left. `status`: its exit status. `why`: its first line of stderr, for messages."""

    status: int
    data: bytes
    why: str

    @property
    def text(self) -> str:
        """stdout; bytes that are not UTF-8 are replaced."""
        return self.data.decode("utf-8", errors="replace")


class HostSession:
    """Runs commands on one host, a few at a time."""

    def __init__(
        self,
        shell: HostShell,
        host: str,
        root: Literal["sudo", "direct", "refused"],
        allowed: Sequence[HostCommand] = commands.SURVEY_COMMANDS,
    ) -> None:
        self._shell = shell
        self._host = host
        self._root = root
        self._allowed = {command.name: command for command in allowed}
        self._slots = asyncio.Semaphore(_PARALLEL)

    @classmethod
    async def start(
        cls,
        shell: HostShell,
        host: str,
        access: SshAccess,
        allowed: Sequence[HostCommand] = commands.SURVEY_COMMANDS,
    ) -> HostSession:
        """A session; finds out whether sudo works. root and `sudo: false` need none. `allowed`: the fixed
        list of commands, whose first is SUDO."""
        if not access.sudo or access.user == "root":
            return cls(shell, host, "direct", allowed)
        session = cls(shell, host, "sudo", allowed)
        probe = await session.output(commands.SUDO.call())
        return session if probe.status == 0 else cls(shell, host, "refused", allowed)

    async def output(
        self,
        call: Call,
        *,
        feed: Iterable[bytes] = (),
        feed_bytes: int | None = None,
        longest_s: float = COMMAND_TIMEOUT_S,
    ) -> Output:
        """Runs `call` with the pieces of `feed`, `feed_bytes` in all, as its stdin; None = it has none.
        Returns what it left, whatever its exit status.

        Raises `Refused` RP066 (needs root, sudo is refused), RP067 (more output than allowed), `Transient`
        RP065 (connection lost, no answer in time), and what `feed` raises.
        """
        line = self._line(call)
        async with self._slots:
            try:
                async with asyncio.timeout(longest_s):
                    return await self._run(call, line, feed, feed_bytes)
            except TimeoutError as error:
                raise Transient(
                    "RP065",
                    f"`{call.line}` did not end on {self._host}",
                    f"there was no answer within {longest_s:.0f} seconds",
                    "Look at the load of the machine and run `replank survey` again.",
                ) from error
            except self._shell.failures as error:
                raise self._shell.lost(self._host) from error

    async def stream(self, call: Call, *, longest_s: float) -> AsyncGenerator[bytes, None]:
        """stdout of `call` in pieces, of any length, as fast as they are taken.

        Raises as `data`, the exit status at the end; `Transient` RP065, too, where nothing comes for
        IDLE_TIMEOUT_S, or the whole takes more than `longest_s`.
        """
        line = self._line(call)
        end = asyncio.get_running_loop().time() + longest_s
        async with self._slots:
            try:
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    process = await self._shell.start(line, fed=None)
                try:
                    while piece := await self._piece(process, end):
                        yield piece
                    async with asyncio.timeout(IDLE_TIMEOUT_S):
                        errors = await _read(process.stderr)
                        await process.wait_closed()
                finally:
                    process.close()
            except TimeoutError as error:
                raise self._stalled(call) from error
            except self._shell.failures as error:
                raise self._shell.lost(self._host) from error
        if process.exit_status is None or process.exit_status < 0:
            raise self._shell.lost(self._host)
        if process.exit_status != 0:
            raise self.failed(call, Output(process.exit_status, b"", _first_line(errors)))

    async def _piece(self, process: HostProcess, end: float) -> bytes:
        left = end - asyncio.get_running_loop().time()
        async with asyncio.timeout(max(0.0, min(IDLE_TIMEOUT_S, left))):
            return await process.stdout.read(65536)

    def _line(self, call: Call) -> str:
        """The command line as it is sent. Raises `Refused` RP066."""
        listed = self._allowed.get(call.command)
        if listed is None or not listed.matches(call.argv):
            raise AssertionError(f"{call.argv[0]} is not on the list of commands")
        if call.sudo and self._root == "refused":
            raise Refused(
                "RP066",
                f"The command {call.command} was not run on {self._host}, since it needs root",
                "sudo asks for a password or is not granted",
                "Grant the lines that `replank permissions` prints, or log in as root.",
            )
        return call.sudo_line if self._root == "sudo" else call.line

    def _stalled(self, call: Call) -> Transient:
        return Transient(
            "RP065",
            f"`{call.line}` did not end on {self._host}",
            "nothing more came for a long time",
            "Look at the load of the machine and of the network; it is tried again.",
        )

    async def data(self, call: Call, *, fine: tuple[int, ...] = (0,)) -> bytes:
        """stdout of `call`. Raises as `output`, and RP067 for an exit status not in `fine`: `Transient` where
        curl met nobody, else `Refused`."""
        output = await self.output(call)
        if output.status not in fine:
            raise self.failed(call, output)
        return output.data

    async def text(self, call: Call, *, fine: tuple[int, ...] = (0,)) -> str:
        """As `data`, decoded."""
        return (await self.data(call, fine=fine)).decode("utf-8", errors="replace")

    async def text_if_there(self, call: Call, path: str) -> str | None:
        """stdout of a command that reads `path`, None if `path` does not exist. Raises as `data`."""
        output = await self.output(call)
        if output.status == 0:
            return output.text
        if output.status != 127 and not await self.exists(path):
            return None
        raise self.failed(call, output)

    async def exists(self, path: str) -> bool:
        """Whether there is such a path. Raises as `data` where that cannot be told."""
        call = commands.EXISTS.call(path=path)
        output = await self.output(call)
        if output.status in (0, 2):  # GNU ls: 2 = cannot access an argument; a refused sudo exits 1
            return output.status == 0
        raise self.failed(call, output)

    def failed(self, call: Call, output: Output) -> ReplankError:
        """The error for a command that ended with a status that it should not have."""
        if output.status == 127:
            why = "the command is not there"
        elif call.argv[0] == "curl":
            # curl's own words hold milliseconds.
            why = _CURL_REASONS.get(output.status, f"curl ended with exit status {output.status}")
        else:
            why = f"exit status {output.status}" + (f", {output.why}" if output.why else "")
        passing = call.argv[0] == "curl" and output.status in _CURL_TRIES_AGAIN
        return (Transient if passing else Refused)(
            "RP067",
            f"`{call.line}` did not work on {self._host}",
            why,
            "Run it there by hand; `replank permissions` prints what replank may need.",
        )

    async def _run(self, call: Call, line: str, feed: Iterable[bytes], fed: int | None) -> Output:
        process = await self._shell.start(line, fed=fed)
        writing = [] if fed is None else [_write(process.stdin, feed)]
        try:
            data, errors, *_ = await asyncio.gather(_read(process.stdout), _read(process.stderr), *writing)
            await process.wait_closed()
        except _TooMuchError as error:
            raise Refused(
                "RP067",
                f"`{call.line}` was cut off on {self._host}",
                f"it wrote more than {OUTPUT_LIMIT // 1024 // 1024} MiB",
                "Look at what it writes there.",
            ) from error
        finally:
            process.close()
        status = process.exit_status
        if status is None or status < 0:
            raise self._shell.lost(self._host)
        return Output(status, data, _first_line(errors))


class _TooMuchError(Exception):
    """A stream went over the limit."""


async def _read(stream: Reading) -> bytes:
    """All of `stream`. Raises `_TooMuchError` as soon as it is more than the limit."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await stream.read(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > OUTPUT_LIMIT:
            raise _TooMuchError
    return b"".join(chunks)


async def _write(stream: Writing, feed: Iterable[bytes]) -> bytes:
    """The pieces, then the end. A command that has ended takes no more: its exit status says why."""
    try:
        for piece in feed:
            stream.write(piece)
            await stream.drain()
        stream.write_eof()
    except (BrokenPipeError, ConnectionResetError):
        pass
    return b""


def _first_line(errors: bytes) -> str:
    """The first line of stderr, printable and short."""
    lines = errors.decode("utf-8", errors="replace").splitlines()
    return "".join(c for c in lines[0] if c.isprintable())[:200] if lines else ""
