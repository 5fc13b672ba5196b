"""Conditions told by the guards: `KubernetesApi.apply_status` against a served twin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from replank.domain.errors import Hold, Refused, Transient
from replank.inventory.fleet.model import KubeconfigRef
from replank.ports.access import Conflict, ObjectRef
from replank.ports.guarding import StatusApi
from replank.ports.receipts import collect
from replank.testbed.fleet.demo import demo_world
from replank.testbed.serve.kubernetes import Denied, Fault, ServedApi
from replank.testbed.simulation.field_managers import parsed
from replank.testbed.twin import Twin
from replank.transports.kubernetes.api import KubernetesApi
from replank.transports.kubernetes.transport import Limits

LIMITS = Limits(timeout_s=2.0, answer_s=1.0, attempts=3, pause_s=0.01, longest_pause_s=0.05)
NS, CAPI = "told", "cluster.x-k8s.io/v1beta2"
KEY = ("cluster.x-k8s.io", "Machine", NS, "m")
MACHINE = ObjectRef(CAPI, "Machine", NS, "m")
PATH = f"/apis/{CAPI}/namespaces/{NS}/machines/m/status"
T = TypeVar("T")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(demo_world(1), tmp_path_factory.mktemp("twin")) as running:
        yield running


@pytest.fixture
def served(twin: Twin) -> Iterator[ServedApi]:
    """The management cluster's API with one Machine, whose controller has told two conditions."""
    api = twin.management
    before = dict(api.objects.documents)
    api.objects.documents[KEY] = {
        "apiVersion": CAPI,
        "kind": "Machine",
        "metadata": {"name": "m", "namespace": NS, "uid": "uid-m", "resourceVersion": "1", "generation": 3},
        "spec": {"clusterName": "c", "bootstrap": {"dataSecretName": "none"}},
        "status": {"phase": "Deleting", "conditions": [condition("Ready"), condition("Deleting")]},
    }
    api.objects.writes += 1
    yield api
    api.objects.documents.clear()
    api.objects.documents.update(before)
    api.objects.managers.pop("uid-m", None)
    api.objects.writes += 1
    api.faults.clear()
    api.denied.clear()


def condition(type_: str, message: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "status": "True",
        "reason": "Because",
        "message": message,
        "lastTransitionTime": "2026-11-26T00:00:00Z",
        **changes,
    }


def told(*conditions: dict[str, Any], name: str = "m", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": CAPI,
        "kind": "Machine",
        "metadata": {"name": name, "namespace": NS, **more.pop("metadata", {})},
        "status": {"conditions": list(conditions)},
        **more,
    }


def talk(twin: Twin, ask: Callable[[StatusApi], Awaitable[T]], fence: Callable[[], None] = lambda: None) -> T:
    async def run() -> T:
        ref = KubeconfigRef(path=str(twin.fleet_file.parent / "kube" / "management.yaml"))
        async with KubernetesApi(ref, fence=fence, limits=LIMITS) as api:
            return await ask(api)

    return asyncio.run(run())


def types(document: dict[str, Any]) -> list[str]:
    return [c["type"] for c in document["status"]["conditions"]]


def test_a_condition_is_told_changed_and_taken_back_beside_the_controllers_own(
    twin: Twin, served: ServedApi
) -> None:
    async def ask(api: StatusApi) -> None:
        one = await api.apply_status(told(condition("Waits", "for pod a")))
        assert types(one) == ["Ready", "Deleting", "Waits"]
        assert one["status"]["phase"] == "Deleting"
        two = await api.apply_status(told(condition("Waits", "for pod b")))
        assert two["status"]["conditions"][2]["message"] == "for pod b"
        again = await api.apply_status(told(condition("Waits", "for pod b")))
        assert again["metadata"]["resourceVersion"] == two["metadata"]["resourceVersion"]
        gone = await api.apply_status(told())
        assert types(gone) == ["Ready", "Deleting"]
        assert gone["metadata"]["generation"] == 3

    talk(twin, ask)


def test_nothing_but_the_status_is_written(twin: Twin, served: ServedApi) -> None:
    async def ask(api: StatusApi) -> None:
        spec = {"clusterName": "another"}
        await api.apply_status(told(condition("Waits"), spec=spec, metadata={"labels": {"a": "b"}}))
        left = await api.get(MACHINE)
        assert left is not None
        assert (left["spec"]["clusterName"], left["metadata"].get("labels")) == ("c", None)

    talk(twin, ask)


def test_the_guards_own_it_apart_from_what_replank_applies(twin: Twin, served: ServedApi) -> None:
    async def ask(api: StatusApi) -> list[dict[str, Any]]:
        await api.apply_status(told(condition("Waits")))
        applied = {
            "apiVersion": CAPI,
            "kind": "Machine",
            "metadata": {"name": "m", "namespace": NS, "labels": {"a": "b"}},
        }
        await api.apply(applied)
        left = await api.merge(MACHINE, {"metadata": {"annotations": {"c": "d"}}})
        assert types(left) == ["Ready", "Deleting", "Waits"]
        found: list[dict[str, Any]] = left["metadata"]["managedFields"]
        return found

    entries = talk(twin, ask)
    [guard] = [e for e in entries if e["manager"] == "replank-guard"]
    assert (guard["operation"], guard["subresource"]) == ("Apply", "status")
    assert list(guard["fieldsV1"]["f:status"]["f:conditions"]) == ['k:{"type":"Waits"}']
    assert {m.subresource for m in parsed(entries)} == {"", "status"}


def test_what_another_manager_told_under_our_type_is_taken_over(twin: Twin, served: ServedApi) -> None:
    """An earlier version of the guard may have had another name: a condition of our type is nobody else's."""

    async def ask(api: StatusApi) -> None:
        await api.apply_status(told(condition("Waits", "old")))
        served.objects.managers["uid-m"] = tuple(
            type(m)("old-guard", m.operation, m.paths, m.subresource)
            for m in served.objects.managers["uid-m"]
        )
        new = await api.apply_status(told(condition("Waits", "new")))
        assert new["status"]["conditions"][2]["message"] == "new"

    talk(twin, ask)


def test_no_object_is_made_and_another_one_of_that_name_is_not_taken_for_it(
    twin: Twin, served: ServedApi
) -> None:
    with pytest.raises(Refused) as absent:
        talk(twin, lambda api: api.apply_status(told(condition("Waits"), name="gone")))
    assert absent.value.code == "RP058"
    with pytest.raises(Conflict) as another:
        talk(twin, lambda api: api.apply_status(told(condition("Waits"), metadata={"uid": "uid-before"})))
    assert another.value.code == "RP901"
    assert types(served.objects.documents[KEY]) == ["Ready", "Deleting"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reason": "not a reason"}, "reason"),
        ({"lastTransitionTime": "now"}, "lastTransitionTime"),
        ({"message": None}, "message: Required"),
        ({"severity": "Info"}, "unknown field"),
    ],
)
def test_what_the_schema_does_not_take_is_refused(
    twin: Twin, served: ServedApi, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused) as refused:
        talk(twin, lambda api: api.apply_status(told(condition("Waits", **wrong))))
    assert refused.value.code == "RP903"
    assert says in refused.value.why
    assert types(served.objects.documents[KEY]) == ["Ready", "Deleting"]


def test_it_asks_the_fence_and_leaves_a_receipt(twin: Twin, served: ServedApi) -> None:
    asked: list[int] = []

    async def ask(api: StatusApi) -> list[str]:
        receipts = collect()
        await api.apply_status(told(condition("Waits")))
        return receipts

    [receipt] = talk(twin, ask, lambda: asked.append(1))
    assert (len(asked), receipt.rpartition(" ")[0]) == (1, f"PATCH {PATH.lstrip('/')}")
    query = served.requests[-1].partition("?")[2]
    assert set(query.split("&")) == {"fieldManager=replank-guard", "fieldValidation=Strict", "force=true"}

    def closed() -> None:
        raise Hold("RP815", "the lease is not ours", "it was not renewed", "Wait.")

    before = served.objects.writes
    with pytest.raises(Hold):
        talk(twin, lambda api: api.apply_status(told(condition("Waits", "later"))), closed)
    assert served.objects.writes == before


def test_a_missing_right_names_the_status(twin: Twin, served: ServedApi) -> None:
    served.denied.append(Denied(verb="patch", resource="machines/status.cluster.x-k8s.io"))
    with pytest.raises(Refused) as refused:
        talk(twin, lambda api: api.apply_status(told(condition("Waits"))))
    assert refused.value.code == "RP900"
    assert "patch the status of machines.cluster.x-k8s.io m in namespace told" in refused.value.why
    assert talk(twin, lambda api: api.merge(MACHINE, {"metadata": {"labels": {"a": "b"}}}))


def test_a_lost_answer_is_asked_for_again(twin: Twin, served: ServedApi) -> None:
    served.faults.append(Fault(method="PATCH", path=PATH, kind="lost", times=1))
    assert types(talk(twin, lambda api: api.apply_status(told(condition("Waits")))))[2:] == ["Waits"]
    served.faults.append(Fault(method="PATCH", path=PATH, kind="hang", times=1))
    with pytest.raises(Transient) as error:
        talk(twin, lambda api: api.apply_status(told(condition("Waits", "b"))))
    assert error.value.code == "RP905"
