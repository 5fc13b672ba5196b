"""Which pods a drain evicts: as Cluster API's own drain decides it.

Source: cluster-api v1.14.0, core/reconcilers/machine/drain/filters.go: pods of DaemonSets, static pods and
pods that have ended stay; the label `cluster.x-k8s.io/drain` and MachineDrainRules may skip others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from replank.guards.read.documents import annotations_of, controller, labels_of
from replank.inventory.label_selector import selects

Document = Mapping[str, Any]

DRAIN_LABEL: Final = "cluster.x-k8s.io/drain"
_MIRROR: Final = "kubernetes.io/config.mirror"
_KEPT: Final = frozenset({"skip", "wait-completed", "waitcompleted"})


@dataclass(frozen=True, slots=True)
class Rules:
    """MachineDrainRules of one namespace, by name. `cluster`, `namespaces`: labels that selectors ask for."""

    rules: Sequence[Document]
    cluster: Mapping[str, str]
    namespaces: Mapping[str, Mapping[str, str]]

    def behavior(self, pod: Document, machine: Mapping[str, str]) -> str:
        """Drain, Skip or WaitCompleted for a pod on a Machine with these labels. The first rule wins."""
        namespace = self.namespaces.get(pod["metadata"]["namespace"], {})
        for rule in sorted(self.rules, key=lambda rule: str(rule["metadata"]["name"])):
            spec = rule["spec"]
            if self._for_machine(spec, machine) and _for_pod(spec, labels_of(pod), namespace):
                return str(spec["drain"]["behavior"])
        return "Drain"

    def _for_machine(self, spec: Document, machine: Mapping[str, str]) -> bool:
        wanted = spec.get("machines") or ()
        return not wanted or any(
            selects(one.get("selector") or {}, machine)
            and selects(one.get("clusterSelector") or {}, self.cluster)
            for one in wanted
        )


def is_evicted(pod: Document, rules: Rules, machine: Mapping[str, str]) -> bool:
    """Whether a drain of its node evicts the pod. `machine`: labels of the node's Machine."""
    if controller(pod)[0] == "DaemonSet" or _MIRROR in annotations_of(pod):
        return False
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return False
    if labels_of(pod).get(DRAIN_LABEL, "").lower() in _KEPT:
        return False
    return rules.behavior(pod, machine) == "Drain"


def _for_pod(spec: Document, pod: Mapping[str, str], namespace: Mapping[str, str]) -> bool:
    wanted = spec.get("pods") or ()
    return not wanted or any(
        selects(one.get("selector") or {}, pod) and selects(one.get("namespaceSelector") or {}, namespace)
        for one in wanted
    )
