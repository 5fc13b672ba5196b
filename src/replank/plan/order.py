"""The one order in which the parts of a plan are written and shown, whatever order they were made in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.plan.model import Stage
from replank.plan.takeover import TakeoverPlan

# What a reader of Kubernetes objects looks for first; the rest follows by the alphabet.
_FIRST: Final = ("apiVersion", "kind", "metadata", "name", "namespace", "id", "labels", "annotations", "spec")
_KINDS: Final = (
    "Namespace",
    "Secret",
    "Cluster",
    "OpenStackCluster",
    "OpenStackMachineTemplate",
    "KubeadmConfigTemplate",
    "KubeadmControlPlane",
    "KubeadmConfig",
    "OpenStackMachine",
    "Machine",
    "MachineSet",
    "MachineDeployment",
)


def ordered(value: object) -> object:
    """The same JSON value with every mapping's keys in the common order. Sequences keep theirs."""
    if isinstance(value, Mapping):
        return {key: ordered(value[key]) for key in sorted(value, key=_key_rank)}
    if isinstance(value, list | tuple):
        return [ordered(item) for item in value]
    return value


def _key_rank(key: str) -> tuple[int, str]:
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


def applying_stages(plan: TakeoverPlan) -> dict[str, Stage]:
    """For each manifest that a step applies: the first stage that does."""
    stages: dict[str, Stage] = {}
    for stage in plan.stages:
        for step in stage.steps:
            for key in step.objects:
                stages.setdefault(key, stage)
    return stages


def manifest_keys(plan: TakeoverPlan) -> tuple[str, ...]:
    """Keys of the manifests: by the stage that applies them, then templates before what refers to them."""
    stages = applying_stages(plan)
    names = [stage.name for stage in plan.stages]

    def rank(key: str) -> tuple[int, int, str]:
        stage = stages.get(key)
        kind = key.partition("/")[0]
        return (
            names.index(stage.name) if stage else len(names),
            _KINDS.index(kind) if kind in _KINDS else len(_KINDS),
            key,
        )

    return tuple(sorted(plan.manifests, key=rank))
