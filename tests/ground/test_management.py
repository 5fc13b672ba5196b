"""The management plane alone: real controllers, webhooks and conversions; an audit log that names writers.

Needs the ground's toolchain; brings up the planes that it asks for, and leaves `one` up.
"""

from __future__ import annotations

import copy
import json
import os
import re
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import docker
import pytest

from proving_ground import management
from proving_ground.engine import docker_engine, parts
from proving_ground.management import credentials
from proving_ground.management.api import Answer, Api, object_path
from proving_ground.management.managers import MANAGERS
from proving_ground.management.manifests import Deployment
from proving_ground.management.plane import PROGRAMS, Plane
from proving_ground.management.refusals import is_refusal, wrong_object
from proving_ground.progress import Progress
from proving_ground.settings import folders
from proving_ground.toolchain.groups import binary

pytestmark = [pytest.mark.ground, pytest.mark.timeout(300)]

NAMESPACE = "management-test"
CORE = "system:serviceaccount:capi-system:capi-manager"
CLUSTERS = f"/apis/cluster.x-k8s.io/v1beta2/namespaces/{NAMESPACE}/clusters"
INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io"

Mend = Callable[[dict[str, Any]], object]

RIGHT: dict[str, Mend] = {
    "core": lambda spec: spec["clusterNetwork"]["pods"].update(cidrBlocks=["10.244.0.0/16"]),
    "kubeadm-bootstrap": lambda spec: spec["files"].pop(),
    "kubeadm-control-plane": lambda spec: spec.update(replicas=3),
    "capo": lambda spec: spec["ports"][0].pop("securityGroups"),
}
"""Manager -> what makes its wrong object right."""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    connected = docker_engine.connect()
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def one(client: docker.DockerClient) -> Iterator[Api]:
    """Plane `one`, which reconciles. Others use it: what a test makes there, it takes away."""
    management.up(client, folders(), _progress(), "one")
    with Api(management.plane(folders(), "one")) as api:
        api.apply(_namespace())
        yield api
        api.delete(_namespace())
        _wait(lambda: api.get(f"/api/v1/namespaces/{NAMESPACE}").status == 404, "the namespace's end")


@pytest.fixture(scope="module")
def two(client: docker.DockerClient, one: Api) -> Iterator[Api]:
    """Plane `two` beside it, idle."""
    management.up(client, folders(), _progress(), "two", idle=True)
    with Api(management.plane(folders(), "two")) as api:
        api.apply(_namespace())
        yield api
    management.down(client, folders(), "two")


def test_all_definitions_are_established(one: Api) -> None:
    items = one.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").body["items"]
    names = {item["metadata"]["name"] for item in items}
    assert {
        "clusters.cluster.x-k8s.io",
        "kubeadmcontrolplanes.controlplane.cluster.x-k8s.io",
        "openstackservers.infrastructure.cluster.x-k8s.io",
        "images.openstack.k-orc.cloud",
        "providers.clusterctl.cluster.x-k8s.io",
    } <= names
    for item in items:
        conditions = {entry["type"]: entry["status"] for entry in item["status"]["conditions"]}
        assert conditions["Established"] == conditions["NamesAccepted"] == "True", item["metadata"]["name"]


@pytest.mark.parametrize("manager", RIGHT)
def test_webhook_refuses_a_wrong_object_and_takes_a_right_one(one: Api, manager: str) -> None:
    wrong = wrong_object(manager)
    assert is_refusal(one.create(wrong, dry_run=True))
    right = copy.deepcopy(wrong)
    RIGHT[manager](right["spec"])
    answer = one.create(right, dry_run=True)
    assert answer.ok, answer.message


def test_webhooks_are_all_upstreams_and_all_ours(one: Api) -> None:
    configurations = [
        configuration
        for kind in ("mutating", "validating")
        for configuration in one.get(
            f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations"
        ).body["items"]
    ]
    assert len(configurations) == 7  # CAPO has no mutating one
    for configuration in configurations:
        for webhook in configuration["webhooks"]:
            assert webhook["clientConfig"]["url"].startswith("https://127.0.0.1:")
            assert webhook["failurePolicy"] == "Fail"


def test_object_written_as_v1beta1_is_read_as_v1beta2(two: Api) -> None:
    name, path = "old", f"/namespaces/{NAMESPACE}/kubeadmconfigs"
    old = {
        "apiVersion": "bootstrap.cluster.x-k8s.io/v1beta1",
        "kind": "KubeadmConfig",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"joinConfiguration": {"nodeRegistration": {"kubeletExtraArgs": {"v": "4"}}}},
    }
    try:
        assert _ok(two.create(old))["apiVersion"].endswith("v1beta1")
        new = _ok(two.get(f"/apis/bootstrap.cluster.x-k8s.io/v1beta2{path}/{name}"))
        again = _ok(two.get(f"/apis/bootstrap.cluster.x-k8s.io/v1beta1{path}/{name}"))
    finally:
        two.delete(old)
    registration = new["spec"]["joinConfiguration"]["nodeRegistration"]
    assert registration["kubeletExtraArgs"] == [{"name": "v", "value": "4"}]
    registration = again["spec"]["joinConfiguration"]["nodeRegistration"]
    assert registration["kubeletExtraArgs"] == {"v": "4"}


def test_audit_log_names_who_wrote_what(one: Api) -> None:
    plane = management.plane(folders(), "one")
    began = _now()
    cluster, infrastructure = _cluster("written")
    try:
        _ok(one.create(infrastructure))
        _ok(one.create(cluster))
        _wait(lambda: bool(_ok(one.get(f"{CLUSTERS}/written"))["metadata"].get("finalizers")), "a finalizer")
        ours = {
            (write.user, write.verb, write.resource)
            for write in management.writes(plane, began)
            if write.name == "written" and write.code < 300 and not write.dry_run
        }
        assert ("ground-admin", "create", "clusters") in ours
        assert (CORE, "patch", "clusters") in ours
        assert not {user for user, _, _ in ours} - {"ground-admin", CORE}
    finally:
        _remove(one, cluster, infrastructure)


def test_audit_log_holds_no_secret(one: Api) -> None:
    planted = "cGxhbnRlZC1zZWNyZXQ="
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "planted", "namespace": NAMESPACE},
        "data": {"value": planted},
    }
    _ok(one.create(secret))
    one.delete(secret)
    plane = management.plane(folders(), "one")
    assert any(write.resource == "secrets" and write.name == "planted" for write in management.writes(plane))
    assert planted not in plane.audit_log.read_text()


def test_another_user_is_told_apart(two: Api, tmp_path: Path) -> None:
    plane = management.plane(folders(), "two")
    kubeconfig = tmp_path / "kubeconfig"
    management.user(plane, "somebody", ("system:masters",), kubeconfig)
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}}
    _kubectl(kubeconfig, "create", "--namespace", NAMESPACE, "--filename", "-", stdin=json.dumps(document))
    assert {write.user for write in management.writes(plane) if write.name == "theirs"} == {"somebody"}


def test_idle_plane_reconciles_nothing(two: Api) -> None:
    cluster, infrastructure = _cluster("left-alone")
    try:
        _ok(two.create(infrastructure))
        _ok(two.create(cluster))
        time.sleep(5)  # an active plane's finalizer is there after less than one
        seen = _ok(two.get(f"{CLUSTERS}/left-alone"))
        assert "finalizers" not in seen["metadata"]
        assert not seen.get("status")
    finally:
        _remove(two, cluster, infrastructure)


def test_cluster_moves_from_one_plane_to_the_other(one: Api, two: Api, tmp_path: Path) -> None:
    cluster, infrastructure = _cluster("moved")
    try:
        _ok(two.create(infrastructure))
        uid = _ok(two.create(cluster))["metadata"]["uid"]
        _ok(two.request("PATCH", f"{CLUSTERS}/moved/status", _PROVISIONED, "application/merge-patch+json"))
        owner = {"apiVersion": cluster["apiVersion"], "kind": "Cluster", "name": "moved", "uid": uid}
        place = f"/apis/{INFRASTRUCTURE}/v1beta1/namespaces/{NAMESPACE}/openstackclusters/moved"
        owned = {"metadata": {"ownerReferences": [owner]}}
        _ok(two.request("PATCH", place, owned, "application/merge-patch+json"))
        _clusterctl(
            tmp_path,
            "move",
            f"--kubeconfig={management.plane(folders(), 'two').kubeconfig}",
            f"--to-kubeconfig={management.plane(folders(), 'one').kubeconfig}",
            f"--namespace={NAMESPACE}",
        )
        assert two.get(f"{CLUSTERS}/moved").status == two.get(place).status == 404
        assert _ok(one.get(place))["metadata"]["ownerReferences"][0]["name"] == "moved"
        _wait(lambda: bool(_ok(one.get(f"{CLUSTERS}/moved"))["metadata"].get("finalizers")), "a finalizer")
    finally:
        for api in (one, two):
            _remove(api, cluster, infrastructure)


def test_every_program_tells_health_and_metrics(one: Api) -> None:
    endpoints = json.loads((folders().plane("one") / "endpoints.json").read_text())
    assert set(endpoints) == set(PROGRAMS)
    for manager in MANAGERS:
        with urlopen(endpoints[manager.name]["metrics"], timeout=10) as answer:
            assert b"controller_runtime_webhook_requests_total" in answer.read()
    with urlopen(endpoints["etcd"]["metrics"], timeout=10) as answer:
        assert b"etcd_mvcc_db_total_size_in_bytes" in answer.read()
    metrics = one.request("GET", "/metrics")
    assert metrics.status == 200


def test_managers_may_do_what_upstream_grants_and_no_more(one: Api) -> None:
    def may(user: str, verb: str, group: str, resource: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {
                "user": user,
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "namespace": "x"},
            },
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(_ok(one.request("POST", path, review))["status"]["allowed"])

    assert may(CORE, "patch", "cluster.x-k8s.io", "clusters")
    assert may(CORE, "patch", INFRASTRUCTURE, "openstackclusters")
    assert not may(CORE, "delete", "", "nodes")
    assert not may("system:serviceaccount:capo-system:capo-manager", "delete", "cluster.x-k8s.io", "clusters")


def test_plane_that_is_taken_down_leaves_nothing(client: docker.DockerClient, one: Api) -> None:
    plane = management.plane(folders(), "three")
    management.up(client, folders(), _progress(), "three", idle=True)
    running = {container.name for container in parts.all_containers(client)}
    assert {f"ground-{plane.part(program)}" for program in PROGRAMS} <= running
    management.down(client, folders(), "three")
    left = {container.name for container in parts.all_containers(client)}
    assert not [name for name in left if name and name.startswith("ground-management-three")]
    assert not plane.folder.exists()
    port = plane.port("kube-apiserver", "https")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=2):
        pass
    assert one.get("/readyz").status == 200
    management.down(client, folders(), "three")  # nothing there is no error


def test_second_up_restarts_nothing_and_keeps_credentials(client: docker.DockerClient, one: Api) -> None:
    plane = management.plane(folders(), "one")

    def state() -> dict[str, object]:
        files = {str(path): path.read_bytes() for path in plane.folder.glob("pki/*/*")}
        started = {
            program: client.containers.get(f"ground-{plane.part(program)}").attrs["State"]["StartedAt"]
            for program in PROGRAMS
        }
        return {**files, **started}

    before = state()
    management.up(client, folders(), _progress(), "one")
    assert state() == before


def test_keys_are_readable_by_their_owner_alone(one: Api) -> None:
    folder = folders().plane("one")
    secret = [*folder.glob("pki/*/*.key"), *folder.glob("pki/*/kubeconfig"), *folder.glob("pki/*/*.csv")]
    assert len(secret) > len(PROGRAMS)
    for path in [*secret, folder / "kubeconfig", folder / "audit" / "audit.log"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_only_what_is_missing_of_the_credentials_is_made(tmp_path: Path) -> None:
    before = _credentials(tmp_path)
    missing = tmp_path / "pki" / "core" / "tls.crt"
    missing.unlink()
    after = _credentials(tmp_path)
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {missing, missing.with_suffix(".key")}


def test_new_authority_renews_all_that_the_old_one_signed(tmp_path: Path) -> None:
    before = _credentials(tmp_path)
    (tmp_path / "pki" / "authorities" / "kubernetes.key").unlink()
    after = _credentials(tmp_path)
    signed = [path for path in before if path.name == "tls.crt" and path.parent.name != "etcd"]
    assert len(signed) == len(PROGRAMS) - 1
    assert all(after[path] != before[path] for path in [*signed, tmp_path / "kubeconfig"])
    etcd = tmp_path / "pki" / "etcd" / "tls.crt"
    assert after[etcd] == before[etcd]


_PROVISIONED = {
    "status": {
        "initialization": {"infrastructureProvisioned": True},
        "conditions": [
            {
                "type": "ControlPlaneInitialized",
                "status": "True",
                "reason": "Initialized",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }
}
"""What `clusterctl move` wants of a Cluster (mover.go checkProvisioningCompleted)."""


def _cluster(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A Cluster and its infrastructure, which CAPO leaves alone since it says that others manage it."""
    metadata = {"name": name, "namespace": NAMESPACE}
    cluster = {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "metadata": dict(metadata),
        "spec": {"infrastructureRef": {"apiGroup": INFRASTRUCTURE, "kind": "OpenStackCluster", "name": name}},
    }
    infrastructure = {
        "apiVersion": f"{INFRASTRUCTURE}/v1beta1",
        "kind": "OpenStackCluster",
        "metadata": {
            **metadata,
            "labels": {"cluster.x-k8s.io/cluster-name": name},
            "annotations": {"cluster.x-k8s.io/managed-by": "test"},
        },
        "spec": {"identityRef": {"name": "none", "cloudName": "none"}},
    }
    return cluster, infrastructure


def _credentials(folder: Path) -> dict[Path, bytes]:
    """Makes or mends a plane's credentials in a folder of their own."""
    accounts = {manager.name: Deployment("system", manager.name, ()) for manager in MANAGERS}
    credentials.ensure(Plane("one", 1, folder), accounts)
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _remove(api: Api, *documents: dict[str, Any]) -> None:
    for document in documents:
        api.delete(document)
    paths = [object_path(document) for document in documents]
    _wait(lambda: all(api.get(path).status == 404 for path in paths), f"the end of {', '.join(paths)}")


def _ok(answer: Answer) -> dict[str, Any]:
    assert answer.ok, f"{answer.status} {answer.message}"
    return dict(answer.body)


def _wait(happened: Callable[[], bool], what: str, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not come within {limit_s} s"
        time.sleep(0.2)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def _kubectl(kubeconfig: Path, *arguments: str, stdin: str) -> None:
    program = binary(folders(), "kubernetes-1.35", "kube")
    command = [str(program), "kubectl", f"--kubeconfig={kubeconfig}", *arguments]
    subprocess.run(command, input=stdin, text=True, check=True, capture_output=True)


def _clusterctl(home: Path, *arguments: str) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home), "CLUSTERCTL_DISABLE_VERSIONCHECK": "true"}
    program = binary(folders(), "cluster-api", "clusterctl")
    done = subprocess.run([program, *arguments], env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)[-3000:]


def _progress() -> Progress:
    return Progress(folders().cache / "timings.json")
