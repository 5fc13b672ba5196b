"""Starts the probes in a process of their own, so that replank's own work does not make them late."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from replank.domain.errors import Refused
from replank.probe.judge import Limits, ProbeResult
from replank.probe.record import result_of
from replank.transports.probe.config import ProbeConfig, dump

_END_S: Final = 90.0
"""Seconds for the last samples (their timeouts are at most 60 s) and the last lines."""


class ProbeProcess:
    """`async with ProbeProcess(config) as probes:` samples until the block is left; then `result()`.

    Raises `Refused`: RP050 to RP052, RP981 to RP983 where the probes cannot start, RP984 where their process
    ends before it was told to; the record tells what it saw until then.
    """

    def __init__(self, config: ProbeConfig) -> None:
        self._config = config
        self._run = asyncio.Event()
        self._ended = False

    async def __aenter__(self) -> ProbeProcess:
        # A session of its own: Ctrl-C at the terminal is for replank, which then ends the probes.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "replank.transports.probe",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._errors = asyncio.ensure_future(self._last_words())
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(dump(self._config).encode())
            await self._process.stdin.drain()
            while not (line := await self._line()).get("started"):
                await self._refuse(line)
        except BaseException:
            await self._kill()
            raise
        if not self._config.baseline_s:
            self._run.set()
        self._hearing = asyncio.ensure_future(self._hear())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await self._hearing
                await self._process.wait()
        finally:
            await self._kill()

    async def baseline_over(self) -> None:
        """Waits until the baseline is measured. Returns at once where there is none."""
        waiting = asyncio.ensure_future(self._run.wait())
        await asyncio.wait((waiting, self._hearing), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._hearing.done():
            self._hearing.result()

    async def ended(self) -> None:
        """Waits until the process ends by itself, which it should not: raises what it refused, or RP984."""
        await asyncio.wait((self._hearing,))
        self._hearing.result()

    def result(self, limits: Limits | None = None) -> ProbeResult:
        """What the record says, so far or at the end. Raises `Refused` RP980."""
        return read_result(self._config.out, limits)

    async def _hear(self) -> None:
        while not self._ended:
            line = await self._line()
            await self._refuse(line)
            if "run" in line:
                self._run.set()
            self._ended = "ended" in line

    async def _line(self) -> dict[str, Any]:
        """The next line; {} where there is no more."""
        assert self._process.stdout is not None
        raw = await self._process.stdout.readline()
        if not raw:
            return {}
        line: dict[str, Any] = json.loads(raw)
        return line

    async def _refuse(self, line: dict[str, Any]) -> None:
        if "refused" in line:
            parts = line["refused"]
            raise Refused(
                parts["code"], parts["what"], parts["why"], parts["todo"], where=parts.get("where", "")
            )
        if not line:
            status = await self._process.wait()
            words = (await self._errors).strip().rsplit("\n", 1)[-1]
            raise Refused(
                "RP984",
                "The probes' process ended",
                f"it ended with status {status}" + (f": {words}" if words else ""),
                "See in the record how far it came; probe again.",
                where=self._config.out,
            )

    async def _last_words(self) -> str:
        """The end of what the process writes to standard error."""
        assert self._process.stderr is not None
        kept = b""
        while chunk := await self._process.stderr.read(4096):
            kept = (kept + chunk)[-4096:]
        return kept.decode("utf-8", "replace")

    async def _kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self._errors


def read_result(path: str, limits: Limits | None = None) -> ProbeResult:
    """The result of the record at `path`. Raises `Refused` RP980."""
    try:
        with Path(path).open(encoding="utf-8", newline="\n") as lines:
            return result_of(lines, where=path, limits=limits)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            "RP980",
            "The probes' record cannot be read",
            str(getattr(error, "strerror", "") or "it is no text"),
            "Name the file that `replank probe` or `apply --probe` wrote.",
            where=path,
        ) from error
