"""How long a pod takes to start on one node: pods of an image that lies there, started one after another.

A pod's status tells that it runs only after the kubelet's next look at the runtime, which comes once a second
(kubelet, genericPlegRelistPeriod); that is as long as what is measured. The kubelet's event `Started`
(pkg/kubelet/events, StartedContainer) is written as soon as the container runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

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


async def pod_starts(at: At, node: str, image: str, pods: int) -> tuple[float, ...]:
    """Seconds from the request to make the pod until its kubelet tells that the container was started, for
    each of them. They are left there for `clear`.

    Raises `NotMeasuredError`, and as `KubeApi`.
    """
    await _make_room(at)
    return tuple([await _start(at, _pod(f"start-{number}", node, image)) for number in range(1, pods + 1)])


async def clear(at: At) -> None:
    """Removes every pod of a measurement, and the namespace if it is ours. Raises as `pod_starts`."""
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


async def _make_room(at: At) -> None:
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


async def _start(at: At, pod: Document) -> float:
    began = at.access.clock.now()
    made = await at.access.workload.create(pod)
    if made["spec"]["containers"][0].get("imagePullPolicy") != "Never":
        raise NotMeasuredError("the API server has every pod pull its image (AlwaysPullImages)")
    while True:
        told = [e for e in await at.access.workload.list("v1", "Event", NAMESPACE) if _is_about(e, made)]
        took = at.access.clock.now() - began
        if any(event.get("reason") == _STARTED for event in told):
            return took
        if took >= LIMIT_S:
            raise NotMeasuredError(f"the kubelet told of no start within {LIMIT_S:.0f} s{_warnings(told)}")
        await at.access.clock.sleep(POLL_S)


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


def _pod(name: str, node: str, image: str) -> dict[str, Any]:
    """It has nothing to mount, and fits Pod Security's `restricted`. It comes to the node also while that is
    cordoned. `Always`: a pod that runs only once would hold the swap."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(LABELS)},
        "spec": {
            "nodeName": node,
            "restartPolicy": "Always",
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
            "containers": [
                {
                    "name": "pause",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
