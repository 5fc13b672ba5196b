"""Cluster API's own code as a `Judge`: the program `replank-would-roll` (folder `would-roll/`)."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused, Transient
from replank.ports.access import Clock, Document, Judgement, Rolling

VARIABLE: Final = "REPLANK_WOULD_ROLL"
PROGRAM: Final = "replank-would-roll"
_WHAT: Final = "Nobody could say whether machines would be replaced"


def find_program(environment: Mapping[str, str]) -> Path | None:
    """The program that `$REPLANK_WOULD_ROLL` names, or the one on PATH; None where there is none.

    Raises `Refused` RP916 where the variable names no program: who sets it counts on it.
    """
    if named := environment.get(VARIABLE):
        path = shutil.which(named, path=environment.get("PATH"))
        if path is None:
            raise Refused(
                "RP916",
                _WHAT,
                f"${VARIABLE} names {named!r}, which is no program",
                "Correct it, or unset it: then replank's own comparison judges.",
            )
        return Path(path)
    path = shutil.which(PROGRAM, path=environment.get("PATH", ""))
    return Path(path) if path else None


class UpstreamJudge:
    """`program`: it gets the objects on stdin and nothing else; nothing is written to a disk."""

    def __init__(self, program: Path, *, clock: Clock, timeout_s: float = 30.0) -> None:
        self._program = program
        self._clock = clock
        self._timeout_s = timeout_s

    async def version(self) -> str:
        """`cluster-api v1.14.0`. Raises as `judge`."""
        return (await self._run(["--version"], b"")).decode("utf-8", "replace").strip()

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        """See `ports.access.Judge`. Raises `Transient` RP915 (no answer), `Refused` RP916 (it cannot)."""
        at = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        output = await self._run([], json.dumps({"at": at, "objects": dict(objects)}).encode())
        try:
            answer = json.loads(output)
            rolling = tuple(Rolling(object=str(r["object"]), why=str(r["why"])) for r in answer["rolling"])
            return Judgement(by=str(answer["by"]), rolling=rolling)
        except (ValueError, KeyError, TypeError) as error:
            raise self._useless("its answer cannot be read") from error

    async def _run(self, arguments: list[str], question: bytes) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise self._useless("it cannot be started") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                output, said = await process.communicate(question)
        except TimeoutError as error:
            why = f"{self._program} did not answer within {self._timeout_s:.0f} s"
            raise Transient("RP915", _WHAT, why, "Look whether this machine is overloaded.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            # The program words its messages without values of objects.
            first = said.decode("utf-8", "replace").strip().partition("\n")[0][:300]
            raise self._useless(first or f"it ended with status {process.returncode}")
        return output

    def _useless(self, why: str) -> Refused:
        todo = f"Build it anew from would-roll/, or unset ${VARIABLE} and take it off PATH."
        return Refused("RP916", _WHAT, f"{self._program}: {why}", todo)
