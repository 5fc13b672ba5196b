"""The process of the probes: configuration on standard input, state on standard output, samples in a file.

Standard input: one line of JSON (`config.py`), then nothing. It ends when it is closed, so that the probes
never outlive who started them. Standard output: lines of JSON: `{"started": true}`, `{"run": true}` when the
baseline is over, `{"ended": true}`, or `{"refused": {...}}` with the parts of the error.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from replank.domain.errors import Refused
from replank.probe.probing import Probing
from replank.transports.probe.config import ProbeConfig, load
from replank.transports.probe.watching import watched


def main() -> int:
    """Runs until standard input ends. 0, or 1 where it refused."""
    try:
        # Probes that wait for a processor prove nothing. Only root may; others stay as they are.
        os.nice(-10)
    except OSError as error:
        _say({"nice": str(error.strerror)})
    try:
        asyncio.run(_probe(sys.stdin))
    except Refused as error:
        parts = ("code", "what", "why", "todo", "where")
        _say({"refused": {name: getattr(error, name) for name in parts}})
        return 1
    _say({"ended": True})
    return 0


async def _probe(stdin: TextIO) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stdin)
    config = load((await reader.readline()).decode("utf-8"))
    targets = [
        await watched(
            target, clock=lambda: datetime.now(UTC), now=loop.time, exec_timeout_s=config.exec_timeout_s
        )
        for target in config.targets
    ]
    try:
        # Before the first sample: nothing waits for it yet.
        with Path(config.out).open("x", encoding="utf-8") as out:  # noqa: ASYNC230
            probing = Probing(
                tuple(targets),
                out,
                wall=time.time,
                interval_s=config.interval_s,
                baseline=config.baseline_s > 0,
            )
            async with probing:
                _say({"started": True})
                await _until_closed(probing, reader, config)
    except OSError as error:
        raise Refused(
            "RP983",
            "The probes' record cannot be written",
            str(error.strerror or error),
            "Make room or name another file; a record that is there already is not written over.",
            where=config.out,
        ) from error


async def _until_closed(probing: Probing, reader: asyncio.StreamReader, config: ProbeConfig) -> None:
    """Until standard input ends, or the sampling breaks."""
    closed = asyncio.ensure_future(reader.read())
    broken = asyncio.ensure_future(probing.broken())
    try:
        if config.baseline_s > 0:
            await asyncio.wait(
                (closed, broken), timeout=config.baseline_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not closed.done() and not broken.done():
                probing.begin_run()
                _say({"run": True})
        await asyncio.wait((closed, broken), return_when=asyncio.FIRST_COMPLETED)
    finally:
        closed.cancel()
        broken.cancel()


def _say(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()
