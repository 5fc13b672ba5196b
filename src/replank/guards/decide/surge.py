"""One pod more for a Deployment that has one, while it moves: where its owner allows it."""

from __future__ import annotations

from collections.abc import Iterator

from replank.guards.decide.going import Leaving
from replank.guards.decision import Scale
from replank.guards.policy import Policy
from replank.guards.sight import DeploymentSight, PodSight, WorkloadSight


def is_surging(pod: PodSight, workload: WorkloadSight, leaving: Leaving) -> bool:
    """Whether the pod must not be evicted before another of its Deployment is ready on a Node that outlasts
    its own."""
    deployment = _deployment(pod, workload)
    if deployment is None or not (_is_surged(deployment) or _may_surge(deployment)):
        return False
    return not any(
        other.ready and leaving.outlasts(other.node, pod.node) for other in _pods(deployment, workload)
    )


def scales(workload: WorkloadSight, policy: Policy, leaving: Leaving) -> Iterator[Scale]:
    """Up before a drain, back once no pod of it stands on a Node that goes.

    Up again where somebody else, GitOps for one, wrote the old number over it; never back where its owner has
    chosen another one meanwhile.
    """
    for deployment in workload.deployments:
        own = _pods(deployment, workload)
        before = deployment.surged_from
        if before is not None and not any(pod.node in leaving.closed for pod in own):
            if not _is_surged(deployment) or any(pod.ready for pod in own):
                back = before if deployment.replicas == before + 1 else deployment.replicas
                yield _scale(deployment, back, surged_from=None)
        elif policy.drain.surge == "allowed" and _may_surge(deployment):
            moves = any(pod.node in leaving.held and is_surging(pod, workload, leaving) for pod in own)
            if moves:
                yield _scale(deployment, deployment.replicas + 1, surged_from=deployment.replicas)


def _is_surged(deployment: DeploymentSight) -> bool:
    """And has the pod more still."""
    return deployment.surged_from is not None and deployment.replicas > deployment.surged_from


def _may_surge(deployment: DeploymentSight) -> bool:
    """It has one pod, or was put back to one."""
    return deployment.allowed and deployment.replicas == 1


def _scale(deployment: DeploymentSight, replicas: int, *, surged_from: int | None) -> Scale:
    return Scale(deployment.namespace, deployment.name, replicas, surged_from, deployment.resource_version)


def _deployment(pod: PodSight, workload: WorkloadSight) -> DeploymentSight | None:
    found = (d for d in workload.deployments if (d.namespace, d.owner) == (pod.namespace, pod.owner))
    return next(found, None)


def _pods(deployment: DeploymentSight, workload: WorkloadSight) -> list[PodSight]:
    place = (deployment.namespace, deployment.owner)
    return [pod for pod in workload.pods if (pod.namespace, pod.owner) == place]
