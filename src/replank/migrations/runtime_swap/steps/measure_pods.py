"""Pods that are started to measure with, in a namespace of their own, and taken away again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from replank.migrations.runtime_swap.steps.at import At
from replank.plan.runtime_swap import MEASURED_IN as NAMESPACE
from replank.ports.access import Document, ObjectRef

LABELS: Final[Mapping[str, str]] = {"app.kubernetes.io/managed-by": "replank"}
POLL_S: Final = 0.05
LIMIT_S: Final = 60.0
"""For whatever is waited for here."""

_STARTED: Final = "Started"
_PLACE: Final = ObjectRef("v1", "Namespace", "", NAMESPACE)


class NotMeasuredError(Exception):
    """Why there is no figure. Never leaves the step: it is the step's answer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def clear(at: At) -> None:
    """Removes every pod of a measurement, and the namespace if it is ours. Raises as `start`."""
    api = at.access.workload
    for pod in await _pods(at):
        meta = pod["metadata"]
        await api.delete(ObjectRef("v1", "Pod", NAMESPACE, meta["name"]), uid=meta["uid"])
    end = at.access.clock.now() + LIMIT_S
    while left := await _pods(at):
        if at.access.clock.now() >= end:
            raise NotMeasuredError(f"pods in {NAMESPACE} do not end: {_names(left)}")
        await at.access.clock.sleep(POLL_S)
    place = await api.get(_PLACE)
    if place is not None and _is_ours(place) and "deletionTimestamp" not in place["metadata"]:
        await api.delete(_PLACE, uid=place["metadata"]["uid"])


async def make_room(at: At) -> None:
    """The namespace is there, and pods can be made in it. Somebody else's is used as it is."""
    api, end = at.access.workload, at.access.clock.now() + LIMIT_S
    while True:
        place = await api.get(_PLACE)
        if place is None:
            place = await api.create(_namespace())
        if "deletionTimestamp" not in place["metadata"]:
            # Admission refuses pods until the controller has made the namespace's account.
            account = ObjectRef("v1", "ServiceAccount", NAMESPACE, "default")
            if not _is_ours(place) or await api.get(account) is not None:
                return
        if at.access.clock.now() >= end:
            raise NotMeasuredError(f"namespace {NAMESPACE} is not ready for pods")
        await at.access.clock.sleep(POLL_S)


async def start(at: At, pod: Document) -> float:
    """Seconds from the request to make the pod until its kubelet tells that the container was started. It is
    left there for `clear`.

    A pod's status tells that it runs only after the kubelet's next look at the runtime, which comes once a
    second (kubelet, genericPlegRelistPeriod); that is as long as what is measured. The kubelet's event
    `Started` (pkg/kubelet/events, StartedContainer) is written as soon as the container runs.

    Raises `NotMeasuredError`, and as `KubeApi`.
    """
    wanted = pod["spec"]["containers"][0]["imagePullPolicy"]
    began = at.access.clock.now()
    made = await at.access.workload.create(pod)
    if made["spec"]["containers"][0].get("imagePullPolicy") != wanted:
        raise NotMeasuredError("the API server has every pod pull its image (AlwaysPullImages)")
    while True:
        told = [e for e in await at.access.workload.list("v1", "Event", NAMESPACE) if _is_about(e, made)]
        took = at.access.clock.now() - began
        if any(event.get("reason") == _STARTED for event in told):
            return took
        if took >= LIMIT_S:
            raise NotMeasuredError(f"the kubelet told of no start within {LIMIT_S:.0f} s{_warnings(told)}")
        await at.access.clock.sleep(POLL_S)


def measuring_pod(
    name: str,
    node: str,
    image: str,
    *,
    command: Sequence[str] = (),
    pull: Literal["Never", "IfNotPresent"] = "Never",
    restarts: Literal["Always", "Never"] = "Always",
) -> dict[str, Any]:
    """It has nothing to mount, and fits Pod Security's `restricted`. It comes to the node also while that is
    cordoned. `restarts`: a pod that runs on and runs only once would hold the swap."""
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": pull,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if command:
        container["command"] = list(command)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(LABELS)},
        "spec": {
            "nodeName": node,
            "restartPolicy": restarts,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65535,
                "runAsGroup": 65535,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def _warnings(events: Iterable[Document]) -> str:
    """What it told instead. A warning alone is no end: some come with every pod (DNSConfigForming)."""
    wrong = [f"{e.get('reason')}: {e.get('message')}"[:200] for e in events if e.get("type") == "Warning"]
    return f"; {wrong[-1]}" if wrong else ""


def _is_about(event: Document, pod: Document) -> bool:
    return bool(event.get("involvedObject", {}).get("uid") == pod["metadata"]["uid"])


async def _pods(at: At) -> tuple[Document, ...]:
    return await at.access.workload.list("v1", "Pod", NAMESPACE, LABELS)


def _names(objects: Iterable[Document]) -> str:
    return ", ".join(each["metadata"]["name"] for each in objects)


def _is_ours(place: Document) -> bool:
    return LABELS.items() <= (place["metadata"].get("labels") or {}).items()


def _namespace() -> dict[str, Any]:
    labels = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
