"""How many log lines a second one node's runtime takes from a container that writes as fast as it can.

Runtimes put the time beside each line when they take it (containerd v2.3.5, internal/cri/io/logger.go; moby
v20.10, daemon/logger/copier.go). So the log itself tells how long they took: what is read of it are the times
of two lines whose numbers are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.measure_pods import (
    LIMIT_S,
    NotMeasuredError,
    make_room,
    measuring_pod,
    start,
)
from replank.plan.runtime_swap import MEASURED_IN
from replank.ports.access import ObjectRef

BLOCKS: Final = 2000
BLOCK: Final = 101
"""Lines: one with the block's number, and a hundred of a hundred bytes."""

_NAME: Final = "log"
_TEXT: Final = "\n".join(f"{number:02d} " + "-" * 96 for number in range(BLOCK - 1))
_SCRIPT: Final = (
    'i=0; while [ "$i" -lt "$2" ]; do echo "block $i"; printf "%s\\n" "$1"; i=$((i+1)); done; echo "block $i"'
)
"""All of it is built into a shell: the image needs nothing else."""

_MARK: Final = re.compile(r"(\S+) block (\d+)")
_PIECE: Final = 4 * BLOCK * 150
"""Bytes of the log, times among them, that have a block's beginning in them."""

_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Mark:
    """The beginning of a block. `at`: when the runtime took the line, seconds since 1970."""

    block: int
    at: float


async def log_speed(at: At, node: str, image: str) -> float:
    """Lines a second. `image`: has a shell; it is pulled where it is not there.

    Raises `NotMeasuredError`, and as `KubeApi`.
    """
    await make_room(at)
    command = ("sh", "-c", _SCRIPT, "sh", _TEXT, str(BLOCKS))
    # It is over within seconds, and a restart would begin another log.
    pod = measuring_pod(_NAME, node, image, command=command, pull="IfNotPresent", restarts="Never")
    await start(at, pod)
    last = await _written(at)
    # The kubelet may have begun a new file meanwhile, which does not begin with the first block.
    first = next(_marks(await at.access.workload.log(_ref(), most_bytes=_PIECE)), last)
    if first.block >= last.block or first.at >= last.at:
        raise NotMeasuredError("the node's log has not two lines whose times tell anything")
    return (last.block - first.block) * BLOCK / (last.at - first.at)


async def _written(at: At) -> _Mark:
    """Waits for the last line."""
    end, text = at.access.clock.now() + LIMIT_S, ""
    while True:
        if await _has_log(at):
            text = await at.access.workload.log(_ref(), last_lines=1)
        mark = next(_marks(text), None)
        if mark is not None and mark.block == BLOCKS:
            return mark
        if at.access.clock.now() >= end:
            raise NotMeasuredError(
                f"the writer had not ended after {LIMIT_S:.0f} s; its log ends {text[-120:]!r}"
            )
        await at.access.clock.sleep(_POLL_S)


async def _has_log(at: At) -> bool:
    """The API server gives none before the pod's status tells that it runs, which comes after the event."""
    pods = await at.access.workload.list("v1", "Pod", MEASURED_IN)
    (pod,) = [pod for pod in pods if pod["metadata"]["name"] == _NAME] or [{}]
    states = [status.get("state", {}) for status in pod.get("status", {}).get("containerStatuses", ())]
    return any("running" in state or "terminated" in state for state in states)


def _marks(text: str) -> Iterator[_Mark]:
    for line in text.splitlines():
        found = _MARK.fullmatch(line)
        if found:
            yield _Mark(int(found[2]), datetime.fromisoformat(found[1]).timestamp())


def _ref() -> ObjectRef:
    return ObjectRef("v1", "Pod", MEASURED_IN, _NAME)
