"""Points of no return: steps without an undo, and steps whose undo does not bring everything back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replank.plan.model import Irreversible, PointOfNoReturn, Stage

_CAN_WRITE = "from here on CAPO can write: a server or port that it deletes is gone, whatever is undone later"

_LOSSY = {
    "cluster-api.unpause": {
        "KubeadmControlPlane": "from here on KCP may write to etcd, to kubeadm-config and to the workload's "
        "Machines; pausing stops it, but does not take back what it did"
    },
    "kubernetes.secret.write": {
        "credential": _CAN_WRITE,
    },
    "cluster-api.remove-guards": {
        "objects": "from here on nothing holds a deletion up: a machine that is replaced does not come back"
    },
}


def points_of_no_return(stages: Sequence[Stage]) -> tuple[PointOfNoReturn, ...]:
    """All of them, in the order of the steps."""
    return tuple(_points(stages))


def _points(stages: Sequence[Stage]) -> Iterator[PointOfNoReturn]:
    for stage in stages:
        for step in stage.steps:
            if isinstance(step.undo, Irreversible):
                yield PointOfNoReturn(step=step.id, why=step.undo.irreversible)
                continue
            if step.kind == "cluster-api.unpause-cluster" and step.approval:
                yield PointOfNoReturn(step=step.id, why=_CAN_WRITE)
            marks = _LOSSY.get(step.kind, {})
            for mark, why in marks.items():
                if mark in step.params or str(step.params.get("object", "")).startswith(f"{mark}/"):
                    yield PointOfNoReturn(step=step.id, why=why)
