"""The two steps that measure a node, before its swap and after it, where the operator asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from replank.domain.unknown import Fact, Unknown
from replank.inventory.runtime.containerd_settings import default_of
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.inventory.runtime.versions import parse_version
from replank.migrations.runtime_swap.translation.needs import SANDBOX
from replank.plan.draft import Draft
from replank.plan.model import Undo
from replank.plan.runtime_swap import PlannedNode

PODS: Final = 5
"""So many are started on each side; what is told is their median."""


def sandbox_images(runtimes: Fact[RuntimeFacts]) -> Mapping[str, str]:
    """Each surveyed node's sandbox image: it is there, so that nothing is pulled. "" = not known."""
    if isinstance(runtimes, Unknown):
        return {}
    return {runtime.node: _sandbox_image(runtime) for runtime in runtimes.nodes}


def _sandbox_image(runtime: NodeRuntime) -> str:
    """Where containerd's configuration names none, it runs its own default."""
    image, version = runtime.sandbox_image, runtime.version
    if isinstance(image, Unknown) or isinstance(version, Unknown):
        return ""
    parsed = parse_version(version)
    if image or runtime.name != "containerd" or parsed is None:
        return image
    default = default_of(SANDBOX, parsed.line)
    return default if isinstance(default, str) else ""


def measured(node: PlannedNode, image: str, log_image: str, steps: Sequence[Draft]) -> list[Draft]:
    """`steps` of the node's swap between the two. `image`: its sandbox image, "" = it is not known; then
    no pod is started. `log_image`: of the pod that writes log lines, "" = none."""
    return [_measure(node, image, log_image, "before"), *steps, _measure(node, image, log_image, "after")]


def _measure(node: PlannedNode, image: str, log_image: str, side: Literal["before", "after"]) -> Draft:
    pods = f"Start {PODS} pods of {image} on {node.node}, one after another, and read" if image else "Read"
    where = "" if image else f" of {node.node}"
    lines = f", and have a pod of {log_image} write log lines" if log_image else ""
    return Draft(
        slug=f"measure-{side}",
        kind="runtime.measure",
        says=f"{pods} the runtime's memory and CPU{where}, {side} the swap{lines}",
        params={
            "node": node.node,
            "side": side,
            "image": image,
            "pods": PODS if image else 0,
            **({"log_image": log_image} if log_image else {}),
        },
        undo=Undo(kind="keep", says="The figures are kept; a pod that is left of it is removed."),
    )
