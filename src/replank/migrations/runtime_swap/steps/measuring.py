"""A node's runtime is measured. What cannot be measured is told in the answer, and stops nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from statistics import median
from typing import Final

from replank.domain.errors import Refused, Transient
from replank.inventory.facts.json_value import JSON
from replank.inventory.hosts.swap_commands import programs_folder
from replank.migrations.runtime_swap.node.words import Outcome
from replank.migrations.runtime_swap.steps.at import At, node_of
from replank.migrations.runtime_swap.steps.log_speed import BLOCK, BLOCKS, log_speed
from replank.migrations.runtime_swap.steps.measure_pods import NotMeasuredError, clear
from replank.migrations.runtime_swap.steps.node_part import is_ours, status_of, tell
from replank.migrations.runtime_swap.steps.pod_starts import pod_starts
from replank.migrations.runtime_swap.steps.pods import live_pods
from replank.plan.parameters import malformed, number, text
from replank.ports.access import ObjectRef

_SHIM: Final = "containerd-shim"
_LOG_HOW: Final = "by the times that the runtime put beside the lines of a pod that wrote as fast as it could"
_HOW: Final = "from the request to make the pod until the kubelet's event Started, by the clock of replank"
_STANDS: Final = {"before": (Outcome.STAGED,), "after": (Outcome.SWAPPED, Outcome.COMMITTED)}


class MeasureNode:
    """`runtime.measure`: pod starts, the runtime's memory and CPU while we start none, and where an image is
    named for it log lines. In the answer a figure that has `not_measured` is none; it says why."""

    async def found(self, at: At) -> JSON:  # noqa: ARG002  (it only looks)
        return None

    async def apply(self, at: At) -> JSON:
        side = text(at.step.params, "side")
        if side not in _STANDS:
            raise malformed("side", "is neither before nor after")
        about = await _figure(_about(at, side))
        if "not_measured" in about:
            return {"side": side, **about}
        use = await _figure(_use(at, side))
        answer = {"side": side, **about, "use": use, **await _by_pods(at, "pod_start", _starts)}
        if "log_image" in at.step.params and "left" not in answer:
            answer |= await _by_pods(at, "log", _log)
        return answer

    async def undo(self, at: At) -> JSON:
        """Removes what a measurement has left that was cut off."""
        return {"kept": "the figures", **await _cleared(at)}


async def _figure(asked: Awaitable[dict[str, JSON]]) -> dict[str, JSON]:
    try:
        return await asked
    except NotMeasuredError as error:
        return {"not_measured": error.why}
    except (Refused, Transient) as error:
        return {"not_measured": f"{error.code} {error.reason}"}


async def _about(at: At, side: str) -> dict[str, JSON]:
    """Which runtime serves, and how many pods. Raises `NotMeasuredError` where it is not this side's."""
    node = node_of(at)
    status = await status_of(at, node)
    if not is_ours(status, node, *_STANDS[side]):
        stands = status.outcome if status is not None and status.outcome else "not staged"
        raise NotMeasuredError(f"{node.node} is {stands}, which is not {side} its swap")
    live = await at.access.workload.get(ObjectRef("v1", "Node", "", node.node))
    told = live["status"]["nodeInfo"]["containerRuntimeVersion"] if live is not None else ""
    return {"runtime": told, "pods": len(await live_pods(at, node.node))}


async def _use(at: At, side: str) -> dict[str, JSON]:
    """Memory in MiB (PSS) and CPU in millicores of the runtime's daemons and shims.

    Before the swap the daemon to come runs already where it is staged beside Docker: it is not counted.
    """
    node = node_of(at)
    use = (await tell(at, node, "measure")).measured
    if use is None or use.seconds <= 0:
        raise NotMeasuredError("the node's part has measured nothing")
    coming = f"{programs_folder(at.plan.to.removeprefix('containerd '))}/"
    counted = [p for p in use.programs if side == "after" or not p.program.startswith(coming)]
    if not counted:
        raise NotMeasuredError("no process of a runtime was found")
    return {
        "memory_mib": round(sum(p.pss_bytes for p in counted) / 2**20, 1),
        "cpu_millicores": round(1000 * sum(p.cpu_seconds for p in counted) / use.seconds, 1),
        "seconds": use.seconds,
        "shims": sum(p.processes for p in counted if p.program.rpartition("/")[2].startswith(_SHIM)),
        "programs": [p.program for p in counted],
    }


async def _by_pods(at: At, name: str, measure: Callable[[At], Awaitable[dict[str, JSON]]]) -> dict[str, JSON]:
    """The figure under its name. With `left`, why not all pods could be removed again, where that is so."""
    cleared = await _cleared(at)
    if not cleared:
        try:
            figure = await _figure(measure(at))
        finally:
            cleared = await _cleared(at)
        return {name: figure, **cleared}
    return {name: {"not_measured": "pods of an earlier measurement are in the way"}, **cleared}


async def _starts(at: At) -> dict[str, JSON]:
    image = text(at.step.params, "image")
    if not image:
        raise NotMeasuredError("the survey has not seen which image the node's sandboxes run")
    taken = await pod_starts(at, node_of(at).node, image, number(at.step.params, "pods"))
    each: list[JSON] = [round(1000 * seconds) for seconds in taken]
    return {"median_ms": round(1000 * median(taken)), "each_ms": each, "image": image, "how": _HOW}


async def _log(at: At) -> dict[str, JSON]:
    image = text(at.step.params, "log_image")
    speed = await log_speed(at, node_of(at).node, image)
    return {"lines_per_second": round(speed), "lines": BLOCKS * BLOCK, "image": image, "how": _LOG_HOW}


async def _cleared(at: At) -> dict[str, JSON]:
    async def go() -> dict[str, JSON]:
        await clear(at)
        return {}

    failed = await _figure(go())
    return {"left": failed["not_measured"]} if failed else {}
