"""How long a pod takes to start on one node: pods of an image that lies there, started one after another."""

from __future__ import annotations

from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.measure_pods import make_room, measuring_pod, start


async def pod_starts(at: At, node: str, image: str, pods: int) -> tuple[float, ...]:
    """Seconds of each, as `measure_pods.start` measures them. Raises as that."""
    await make_room(at)
    numbers = range(1, pods + 1)
    return tuple([await start(at, measuring_pod(f"start-{n}", node, image)) for n in numbers])
