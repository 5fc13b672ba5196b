"""Seconds by stage of one run, from its journal: `python -m proving_ground.bench.stages JOURNAL RUN`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

from replank.engine.store import SqlJournal
from replank.journal.event import Event


def stages(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """`<direction> <stage>` -> seconds from first event to last, steps done, and what held it (codes):
    a stage that waits for people or controllers takes as long as they do."""
    found: dict[str, dict[str, Any]] = {}
    begun: dict[str, float] = {}
    for event in events:
        if not event.step:
            continue
        name = f"{event.direction} {event.step.partition('/')[0]}"
        row = found.setdefault(name, {"seconds": 0.0, "steps": 0, "held_by": []})
        row["seconds"] = round(event.at - begun.setdefault(name, event.at), 1)
        row["steps"] += event.kind == "step-done"
        code = event.data.get("code")
        if event.kind == "hold" and code not in row["held_by"]:
            row["held_by"].append(code)
    return found


async def main() -> None:
    """Prints JSON."""
    file, run = sys.argv[1:3]
    async with SqlJournal(f"sqlite:///{file}") as journal:
        sys.stdout.write(json.dumps(stages(await journal.events(run)), indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
