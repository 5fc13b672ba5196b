"""The pod on a node and its namespace, as documents, and what a pod's status says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final, Literal

from replank.inventory.fleet.model import NodePodAccess
from replank.inventory.node_pods import LABELS, NAMESPACE
from replank.ports.access import Document
from replank.transports.node_pod.shell import INTO_NODE

Purpose = Literal["survey", "swap"]
LIFE_S: Final[dict[Purpose, int]] = {"survey": 30 * 60, "swap": 6 * 3600}
"""Seconds after which the kubelet ends a pod, should nobody remove it."""
_SLEEPS_S: Final = 24 * 3600
# What the kubelet tells while it cannot start a container (kubernetes, pkg/kubelet/images/types.go and
# pkg/kubelet/kuberuntime/kuberuntime_container.go): these do not pass by themselves.
_NEVER_STARTS: Final = frozenset(
    {
        *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"),
        *("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"),
    }
)


def pod_name(node: str, purpose: Purpose, more: str = "") -> str:
    """Node names are too long for it. `more`: keeps commands apart that may run at the same time."""
    short = hashlib.sha256(node.encode()).hexdigest()[:12]
    return "-".join(part for part in (purpose, short, more) if part)


def namespace_document() -> dict[str, Any]:
    """Pod Security lets privileged pods into it, and nowhere else is anything loosened."""
    levels = ("enforce", "audit", "warn")
    privileged = {f"pod-security.kubernetes.io/{level}": "privileged" for level in levels}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {**LABELS, **privileged}},
    }


def pod_document(name: str, node: str, purpose: Purpose, access: NodePodAccess) -> dict[str, Any]:
    """It mounts nothing of the node, so that no mount of the node is held by it, and needs no CNI.

    `Always`: a pod that runs only once would hold a swap, and one that stays down after it could not tell how
    it ended. It comes to a node also while that is cordoned or tainted.
    """
    spec: dict[str, Any] = {
        "nodeName": node,
        "hostPID": True,
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "restartPolicy": "Always",
        "activeDeadlineSeconds": LIFE_S[purpose],
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "priorityClassName": "system-node-critical",
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "node",
                "image": access.image,
                "imagePullPolicy": "IfNotPresent",
                "command": [*INTO_NODE, "sleep", str(_SLEEPS_S)],
                # Commands look for programs as root on the node does, whatever the image says.
                "env": [
                    {"name": "PATH", "value": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                    {"name": "HOME", "value": "/root"},
                ],
                "securityContext": {"privileged": True, "runAsUser": 0, "runAsGroup": 0},
            }
        ],
    }
    if access.pull_secret:
        spec["imagePullSecrets"] = [{"name": access.pull_secret}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(LABELS)},
        "spec": spec,
    }


def is_over(pod: Document) -> bool:
    """Whether nothing will run in it any more."""
    phase = pod.get("status", {}).get("phase")
    return phase in ("Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"]


def runs(pod: Document) -> bool:
    """Whether its container runs, as far as the kubelet has told."""
    return any("running" in (status.get("state") or {}) for status in _statuses(pod))


def why_never(pod: Document) -> str:
    """Why its container cannot start, "" = nothing says so."""
    for status in _statuses(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _NEVER_STARTS:
            told = (status.get("lastState") or {}).get("terminated") or {}
            message = str(waiting.get("message") or "")
            more = str(told.get("message") or "") or message
            return f"{waiting['reason']}: {more}"[:300] if more else str(waiting["reason"])
    return ""


def _statuses(pod: Document) -> Iterator[Document]:
    yield from pod.get("status", {}).get("containerStatuses") or ()
