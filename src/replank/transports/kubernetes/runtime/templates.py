"""All pod templates of a cluster under the name of who keeps them, with the pods that run of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from replank.transports.kubernetes.resources import Metadata
from replank.transports.kubernetes.runtime.resources import Controller, CronJob, RunningPod, Spec

MIRROR: Final = "kubernetes.io/config.mirror"
_DONE: Final = ("Succeeded", "Failed")
_ABOVE: Final = {"ReplicaSet": "Deployment", "Job": "CronJob"}
_CLIMBED: Final = ("Pod", "ReplicaSet", "Job")


@dataclass(frozen=True, slots=True)
class Kept:
    """A pod template or a pod without one. `owner`: `Kind/name`; `nodes`: where its pods are now; `pod`: one
    of them, "" if there is none."""

    namespace: str
    owner: str
    spec: Spec
    nodes: tuple[str, ...]
    pod: str


@dataclass(frozen=True)
class Objects:
    """What was listed. `controllers`: by kind (DaemonSet, Deployment, StatefulSet, ReplicaSet, Job without
    those that have ended)."""

    pods: tuple[RunningPod, ...]
    controllers: Mapping[str, tuple[Controller, ...]]
    cron_jobs: tuple[CronJob, ...]

    def owner(self, pod: RunningPod) -> str:
        """The top controller, `Pod/name` for a bare pod, `StaticPod/name` for a mirror pod."""
        if MIRROR in (pod.metadata.annotations or {}):
            return f"StaticPod/{pod.metadata.name.removesuffix(f'-{pod.spec.node_name}')}"
        return self.owner_of("Pod", pod.metadata)

    def live(self) -> tuple[RunningPod, ...]:
        """Pods that have not ended."""
        return tuple(pod for pod in self.pods if pod.status.phase not in _DONE)

    def kept(self) -> Iterator[Kept]:
        """Each template with its owner's name; then what has no template."""
        pods: dict[tuple[str, str], list[RunningPod]] = defaultdict(list)
        for pod in self.live():
            pods[pod.metadata.namespace, self.owner(pod)].append(pod)
        told = set()
        for owner, about, spec in self._templates():
            key = (about.namespace, owner)
            told.add(key)
            yield _kept(key, spec, pods.get(key, []))
        for key, of_owner in pods.items():
            if key not in told:
                yield _kept(key, of_owner[0].spec, of_owner)

    def _templates(self) -> Iterator[tuple[str, Metadata, Spec]]:
        """A ReplicaSet of a Deployment and a Job of a CronJob have their template from there. Those of other
        controllers (Argo's Rollout) stand for these, whose own templates nobody here can read."""
        for kind, items in self.controllers.items():
            for item in items:
                controller = item.metadata.controller
                if controller is None or _ABOVE.get(kind) != controller.kind:
                    yield self.owner_of(kind, item.metadata), item.metadata, item.spec.template.spec
        for job in self.cron_jobs:
            yield f"CronJob/{job.metadata.name}", job.metadata, job.spec.job_template.spec.template.spec

    def owner_of(self, kind: str, about: Metadata) -> str:
        """`Kind/name` above: up from Pod, ReplicaSet and Job. What an operator made of its own resource is
        told by its workload, which is where settings stand."""
        name = about.name
        while kind in _CLIMBED and about.controller is not None:
            kind, name = about.controller.kind, about.controller.name
            above = self._listed.get((kind, about.namespace, name))
            if above is None:
                break
            about = above
        return f"{kind}/{name}"

    @cached_property
    def _listed(self) -> dict[tuple[str, str, str], Metadata]:
        return {
            (kind, item.metadata.namespace, item.metadata.name): item.metadata
            for kind, items in self.controllers.items()
            for item in items
        }


def _kept(key: tuple[str, str], spec: Spec, pods: list[RunningPod]) -> Kept:
    nodes = sorted({pod.spec.node_name for pod in pods} - {""})
    return Kept(*key, spec, tuple(nodes), pods[0].metadata.name if pods else "")


def sorted_objects(items: Iterable[Controller]) -> tuple[Controller, ...]:
    """By namespace and name."""
    return tuple(sorted(items, key=lambda item: (item.metadata.namespace, item.metadata.name)))
