"""`KubernetesApi` against a served twin: what it writes, and what each refusal and lost answer becomes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from replank.audit.catalogue import catalogue
from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.inventory.fleet.model import KubeconfigRef
from replank.ports.access import Conflict, ObjectRef
from replank.ports.receipts import collect
from replank.ports.rights import Right
from replank.testbed.fleet.demo import demo_world
from replank.testbed.serve.kubernetes import Denied, Fault, ServedApi
from replank.testbed.twin import Twin
from replank.transports.kubernetes.api import KubernetesApi
from replank.transports.kubernetes.transport import Limits

LIMITS = Limits(timeout_s=2.0, answer_s=1.0, attempts=3, pause_s=0.01, longest_pause_s=0.05, page=2)
NS, CAPI = "written", "cluster.x-k8s.io/v1beta2"
T = TypeVar("T")
SECRET = "c2VjcmV0LXBsYW50ZWQ="


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(demo_world(1), tmp_path_factory.mktemp("twin")) as running:
        yield running


@pytest.fixture
def served(twin: Twin) -> Iterator[ServedApi]:
    """The management cluster's API, empty of what a test before wrote."""
    api = twin.management
    before = dict(api.objects.documents)
    api.objects.documents[("", "Namespace", "", NS)] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NS, "uid": "ns", "resourceVersion": "1"},
    }
    api.objects.writes += 1
    yield api
    api.objects.documents.clear()
    api.objects.documents.update(before)
    api.objects.writes += 1
    api.faults.clear()
    api.denied.clear()
    api.unready = ""


class Fence:
    """Counts, and closes when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False

    def __call__(self) -> None:
        self.asked += 1
        if self.closed:
            raise Hold("RP815", "the lease is not ours", "it was not renewed", "Wait.")


def kubeconfig(twin: Twin) -> Path:
    return twin.fleet_file.parent / "kube" / "management.yaml"


def talk(
    twin: Twin, ask: Callable[[KubernetesApi], Awaitable[T]], fence: Callable[[], None] = lambda: None
) -> T:
    async def run() -> T:
        ref = KubeconfigRef(path=str(kubeconfig(twin)))
        async with KubernetesApi(ref, fence=fence, limits=LIMITS) as api:
            return await ask(api)

    return asyncio.run(run())


def config_map(name: str = "one", **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def machine(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": CAPI,
        "kind": "Machine",
        "metadata": {"name": "m", "namespace": NS},
        "spec": {"clusterName": "c", "bootstrap": {"dataSecretName": "none"}, **spec},
    }


def ref(name: str = "one", kind: str = "ConfigMap", api_version: str = "v1") -> ObjectRef:
    return ObjectRef(api_version, kind, NS, name)


def writes(served: ServedApi) -> list[str]:
    pairs = zip(served.methods, served.requests, strict=True)
    return [f"{method} {path}" for method, path in pairs if method != "GET"]


def test_apply_makes_changes_and_takes_back_what_it_alone_owned(twin: Twin, served: ServedApi) -> None:
    async def ask(api: KubernetesApi) -> None:
        tried = await api.apply(config_map(a="1"), dry_run=True)
        assert tried["data"] == {"a": "1"}
        assert await api.get(ref()) is None
        made = await api.apply(config_map(a="1", b="1"))
        assert made["metadata"]["managedFields"][0]["manager"] == "replank"
        assert made["metadata"]["managedFields"][0]["operation"] == "Apply"
        changed = await api.apply(config_map(a="2"))
        assert changed["data"] == {"a": "2"}
        again = await api.apply(config_map(a="2"))
        assert again["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]

    talk(twin, ask)


def test_the_plural_comes_from_the_server_and_is_asked_for_once(twin: Twin, served: ServedApi) -> None:
    before = len(served.requests)

    async def ask(api: KubernetesApi) -> None:
        await api.apply(machine())
        assert (await api.get(ref("m", "Machine", CAPI)) or {})["spec"]["clusterName"] == "c"
        with pytest.raises(Refused) as refused:
            await api.get(ref("m", "Nonsense", CAPI))
        assert refused.value.code == "RP906"

    talk(twin, ask)
    asked = served.requests[before:]
    assert [path for path in asked if "/machines/m" in path]
    # Once for the Machine, once more for the kind that is not there.
    assert asked.count(f"/apis/{CAPI}") == 2


def test_a_field_of_another_manager_is_refused_with_its_name_and_taken_by_force_alone(
    twin: Twin, served: ServedApi
) -> None:
    async def ask(api: KubernetesApi) -> None:
        await api.create(config_map(a="1"))
        theirs = served.objects.managers
        uid = served.objects.documents[("", "ConfigMap", NS, "one")]["metadata"]["uid"]
        theirs[uid] = tuple(type(m)("flux", m.operation, m.paths) for m in theirs[uid])
        with pytest.raises(Refused) as refused:
            await api.apply(config_map(a="2"))
        assert refused.value.code == "RP902"
        assert "flux" in refused.value.why
        assert ".data.a" in refused.value.why
        assert (await api.apply(config_map(a="2"), force=True))["data"] == {"a": "2"}

    talk(twin, ask)


def test_merge_and_json_patches_meet_another_version(twin: Twin, served: ServedApi) -> None:
    async def ask(api: KubernetesApi) -> None:
        made = await api.create(config_map(a="1"))
        version = made["metadata"]["resourceVersion"]
        merged = await api.merge(ref(), {"data": {"a": None, "b": "2"}}, resource_version=version)
        assert merged["data"] == {"b": "2"}
        with pytest.raises(Conflict):
            await api.merge(ref(), {"data": {"b": "3"}}, resource_version=version)
        test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
        change = {"op": "replace", "path": "/data/b", "value": "3"}
        with pytest.raises(Conflict):
            await api.json_patch(ref(), [test, change])
        test["value"] = merged["metadata"]["resourceVersion"]
        assert (await api.json_patch(ref(), [test, change]))["data"] == {"b": "3"}
        with pytest.raises(Refused) as refused:
            await api.merge(ref("gone"), {"data": {}})
        assert refused.value.code == "RP058"

    talk(twin, ask)


def test_an_empty_managed_fields_entry_drops_all_managers(twin: Twin, served: ServedApi) -> None:
    async def ask(api: KubernetesApi) -> None:
        await api.apply(config_map(a="1"))
        operation = {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}
        left = await api.json_patch(ref(), [operation])
        assert left["metadata"].get("managedFields", []) == []
        assert left["data"] == {"a": "1"}

    talk(twin, ask)


def test_delete_takes_exactly_the_object_that_was_seen(twin: Twin, served: ServedApi) -> None:
    async def ask(api: KubernetesApi) -> None:
        made = await api.create(config_map(a="1"))
        uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
        with pytest.raises(Conflict):
            await api.delete(ref(), uid="another")
        held = await api.merge(ref(), {"metadata": {"finalizers": ["x/y"]}})
        with pytest.raises(Conflict):
            await api.delete(ref(), uid=uid, resource_version=version)
        assert await api.delete(ref(), uid=uid, resource_version=held["metadata"]["resourceVersion"])
        dying = await api.get(ref())
        assert dying is not None
        assert dying["metadata"]["deletionTimestamp"]
        await api.merge(ref(), {"metadata": {"finalizers": None}})
        assert await api.get(ref()) is None
        assert await api.delete(ref(), uid=uid) is False

    talk(twin, ask)


def test_lists_are_paged_complete_and_sorted(twin: Twin, served: ServedApi) -> None:
    async def ask(api: KubernetesApi) -> None:
        for name in ("c", "a", "b"):
            document = config_map(name)
            document["metadata"]["labels"] = {"set": "x"}
            await api.create(document)
        found = await api.list("v1", "ConfigMap", NS, {"set": "x"})
        assert [d["metadata"]["name"] for d in found] == ["a", "b", "c"]
        assert {(d["kind"], d["apiVersion"]) for d in found} == {("ConfigMap", "v1")}
        everywhere = await api.list("v1", "ConfigMap")
        assert {d["metadata"]["namespace"] for d in everywhere} >= {NS}

    talk(twin, ask)
    assert any("continue=" in path for path in served.requests)


def test_every_write_asks_the_fence_first_and_leaves_its_audit_id(twin: Twin, served: ServedApi) -> None:
    fence, before = Fence(), len(writes(served))

    async def ask(api: KubernetesApi) -> list[str]:
        receipts = collect()
        await api.apply(config_map(a="1"), dry_run=True)
        await api.list("v1", "ConfigMap", NS)
        await api.whoami()
        assert fence.asked == 0
        made = await api.apply(config_map(a="1"))
        await api.delete(ref(), uid=made["metadata"]["uid"])
        return receipts

    receipts = talk(twin, ask, fence)
    assert fence.asked == 2
    path = f"api/v1/namespaces/{NS}/configmaps/one"
    assert [r.rpartition(" ")[0] for r in receipts] == [f"PATCH {path}", f"DELETE {path}"]
    assert all(len(r.rpartition(" ")[2]) == 36 for r in receipts)
    # The dry run, the review, and the two.
    assert len(writes(served)) - before == 4


def test_a_closed_fence_lets_nothing_through_not_even_a_repetition(twin: Twin, served: ServedApi) -> None:
    fence = Fence()
    served.faults.append(Fault(method="PATCH", status=503, times=1))

    def closing() -> None:
        fence()
        fence.closed = True

    with pytest.raises(Hold):
        talk(twin, lambda api: api.apply(config_map(a="1")), closing)
    assert fence.asked == 2
    assert ("", "ConfigMap", NS, "one") not in served.objects.documents


def lost(method: str) -> Fault:
    return Fault(method=method, path="*/configmaps*", kind="lost", times=1)


def test_a_lost_answer_to_an_apply_is_asked_for_again(twin: Twin, served: ServedApi) -> None:
    served.faults.append(lost("PATCH"))
    before = len(writes(served))
    assert talk(twin, lambda api: api.apply(config_map(a="1")))["data"] == {"a": "1"}
    assert len(writes(served)) - before == 2


UNREPEATABLE: dict[str, tuple[str, Callable[[KubernetesApi, Any], Awaitable[Any]]]] = {
    "create": ("POST", lambda api, seen: api.create(config_map("two"))),
    "delete": ("DELETE", lambda api, seen: api.delete(ref(), uid=seen["uid"])),
    "json patch": (
        "PATCH",
        lambda api, seen: api.json_patch(ref(), [{"op": "add", "path": "/data/b", "value": "1"}]),
    ),
    "merge with a version": (
        "PATCH",
        lambda api, seen: api.merge(ref(), {"data": {}}, resource_version=seen["resourceVersion"]),
    ),
}


@pytest.mark.parametrize("write", UNREPEATABLE)
def test_a_lost_answer_to_what_cannot_be_repeated_is_left_to_the_step(
    twin: Twin, served: ServedApi, write: str
) -> None:
    method, call = UNREPEATABLE[write]

    async def ask(api: KubernetesApi) -> None:
        seen = (await api.create(config_map(a="1")))["metadata"]
        served.faults.append(lost(method))
        sent = len(writes(served))
        with pytest.raises(Transient) as error:
            await call(api, seen)
        assert error.value.code == "RP905"
        assert not isinstance(error.value, Conflict)
        assert len(writes(served)) - sent == 1

    talk(twin, ask)


def test_a_server_that_hangs_ends_in_time(twin: Twin, served: ServedApi) -> None:
    served.faults.append(Fault(method="PATCH", kind="hang", times=1))
    with pytest.raises(Transient) as error:
        talk(twin, lambda api: api.apply(config_map(a="1")))
    assert error.value.code == "RP905"


def fault(status: int, message: str = "", **changes: Any) -> Fault:
    return Fault(method="PATCH", status=status, message=message, reason="x", **changes)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "says"),
    [
        (fault(429, retry_after_s=900), Transient, "RP057", "asks to wait"),
        (fault(500, "etcd is slow"), Transient, "RP057", "not known"),
        (
            fault(500, 'Internal error occurred: failed calling webhook "validation.x.io": failed to call'),
            Transient,
            "RP904",
            "validation.x.io",
        ),
        (
            fault(403, 'admission webhook "v.x.io" denied the request: replicas: must be odd'),
            Refused,
            "RP903",
            "must be odd",
        ),
        (
            fault(
                403,
                'configmaps "one" is forbidden: exceeded quota: few, requested: count/configmaps=1, used: '
                "count/configmaps=5, limited: count/configmaps=5",
            ),
            Refused,
            "RP907",
            "exceeded quota: few",
        ),
        (fault(422, "ConfigMap one is invalid: data.a: too long"), Refused, "RP903", "too long"),
        (fault(409, "the object has been modified"), Conflict, "RP901", "in between"),
        (fault(401), Refused, "RP052", "credentials"),
        (fault(502, kind="plain"), Transient, "RP057", "502"),
        (fault(404, kind="plain"), Refused, "RP059", "404"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else None,
)
def test_each_refusal_says_whether_to_try_again(
    twin: Twin, served: ServedApi, fault: Fault, kind: type[ReplankError], code: str, says: str
) -> None:
    served.faults.append(fault)
    with pytest.raises(kind) as error:
        talk(twin, lambda api: api.apply(config_map(a="1")))
    assert (error.value.code, says in error.value.why) == (code, True), error.value.why
    assert code in catalogue()
    if fault.retry_after_s:
        assert isinstance(error.value, Transient)
        assert error.value.retry_after_s == 900


def test_a_quota_is_told_for_a_secret_too(twin: Twin, served: ServedApi) -> None:
    """The message names counts and no value, unlike what else a server says about a Secret."""
    said = 'secrets "one" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=5, full'
    served.faults.append(Fault(method="POST", status=403, message=said, reason="Forbidden"))
    secret = {**config_map(), "kind": "Secret"}
    with pytest.raises(Refused) as refused:
        talk(twin, lambda api: api.create(secret))
    assert (refused.value.code, "exceeded quota: few" in refused.value.why) == ("RP907", True)


def test_a_missing_right_names_verb_thing_and_user(twin: Twin, served: ServedApi) -> None:
    served.denied.append(Denied(verb="patch", resource="machines.cluster.x-k8s.io"))
    with pytest.raises(Refused) as refused:
        talk(twin, lambda api: api.apply(machine()))
    assert refused.value.code == "RP900"
    user = talk(twin, lambda api: api.whoami())
    assert user
    for part in ("patch", "machines.cluster.x-k8s.io m in namespace written", user):
        assert part in refused.value.why


def test_what_the_server_says_about_a_secret_is_not_repeated(twin: Twin, served: ServedApi) -> None:
    def secret(value: str) -> dict[str, Any]:
        return config_map() | {
            "kind": "Secret",
            "data": {"key": value},
            "metadata": {"name": "s", "namespace": NS},
        }

    for status in (400, 403, 409, 422, 500):
        message = f'Secret "s" is invalid: data[key]: Invalid value: "{SECRET}"'
        served.faults[:] = [Fault(method="P*", status=status, message=message, reason="Invalid")]
        for write in (KubernetesApi.apply, KubernetesApi.create):
            with pytest.raises(ReplankError) as error:
                talk(twin, lambda api, write=write: write(api, secret(SECRET)))
            shown = f"{error.value} {error.value.args} {error.value.__cause__!r}"
            assert SECRET not in shown


def test_expired_credentials_are_read_again_once(twin: Twin, served: ServedApi) -> None:
    served.faults.append(Fault(method="PATCH", status=401, times=1))
    assert talk(twin, lambda api: api.apply(config_map(a="1")))["data"] == {"a": "1"}


def test_all_missing_rights_come_at_once(twin: Twin, served: ServedApi) -> None:
    served.denied += [Denied(verb="delete"), Denied(resource="secrets", namespace=NS)]
    needed = [
        Right(namespace=NS, api_version=version, kind=kind, verb=verb)
        for version, kind in ((CAPI, "Machine"), ("v1", "Secret"), ("example.org/v1", "Absent"))
        for verb in ("get", "delete")
    ]
    missing = talk(twin, lambda api: api.missing_rights(needed))
    assert [str(right) for right in missing] == [
        f"delete machines.cluster.x-k8s.io in namespace {NS}",
        f"delete secrets in namespace {NS}",
        f"get secrets in namespace {NS}",
    ]


def test_readiness_is_what_the_server_says(twin: Twin, served: ServedApi) -> None:
    assert talk(twin, lambda api: api.ready()) == ""
    served.unready = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed"
    assert talk(twin, lambda api: api.ready()) == "[-]etcd failed: reason withheld"


def test_a_kubeconfig_in_memory_is_tried_without_any_file(
    twin: Twin, served: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = kubeconfig(twin).read_text()

    def no_file(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a file was used")

    async def ask(api: KubernetesApi) -> tuple[str, str, str]:
        await api.ready()
        monkeypatch.setattr(Path, "read_text", no_file)
        monkeypatch.setattr("tempfile.TemporaryDirectory", no_file)
        works = await api.works_with(text.encode())
        program = text.replace("client-certificate-data", "client-certificate")
        wrong = text.replace(served.url, "https://127.0.0.1:1")
        return works, await api.works_with(program.encode()), await api.works_with(wrong.encode())

    works, outside, wrong = talk(twin, ask)
    assert works == ""
    assert "files or programs" in outside
    assert "refused" in wrong
    assert base64.b64decode(SECRET).decode() not in outside
