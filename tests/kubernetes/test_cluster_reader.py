"""The cluster reader against API servers on the wire: all is read, and each fault stays where it is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from replank.audit.catalogue import catalogue
from replank.domain.errors import Refused, ReplankError, Transient
from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.fleet.model import KubeconfigRef, ManagementTarget
from replank.testbed.fleet.demo import demo_world
from replank.testbed.serve.kubernetes import Fault
from replank.testbed.twin import Twin
from replank.transports.kubernetes.management import KubernetesManagementReader
from replank.transports.kubernetes.reader import KubernetesReader
from replank.transports.kubernetes.transport import Limits, MetadataTransport

LIMITS = Limits(timeout_s=2.0, answer_s=1.0, attempts=2, pause_s=0.01, longest_pause_s=0.1)
PASSED_OVER = {"kubeconfig", "serving_certificate"}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(demo_world(1), tmp_path_factory.mktemp("twin")) as running:
        yield running


@pytest.fixture
def groups(twin: Twin) -> Iterator[Any]:
    """The API server of the demo's cluster `groups`, without faults before and after."""
    served = twin.api("groups")
    served.faults.clear()
    yield served
    served.faults.clear()


def path(twin: Twin, cluster: str = "groups") -> Path:
    return twin.fleet_file.parent / "kube" / f"{cluster}.yaml"


def read(kubeconfig: Path, **changes: Any) -> KubernetesFacts:
    reader = KubernetesReader(limits=LIMITS, **changes)
    return asyncio.run(reader.read(KubeconfigRef(path=str(kubeconfig))))


def unknown(facts: KubernetesFacts) -> dict[str, str]:
    values = {f.name: getattr(facts, f.name) for f in fields(facts)}
    return {name: value.code for name, value in values.items() if isinstance(value, Unknown)}


def bent(twin: Twin, folder: Path, cluster: dict[str, Any], user: dict[str, Any] | None = None) -> Path:
    """A copy of the kubeconfig with other values for its cluster and, if given, another user."""
    yaml = YAML(typ="safe")
    document = yaml.load(path(twin))
    document["clusters"][0]["cluster"].update(cluster)
    if user is not None:
        document["users"][0]["user"] = user
    target = folder / "kubeconfig.yaml"
    yaml.dump(document, target)
    return target


@pytest.mark.usefixtures("groups")
def test_a_healthy_cluster_is_read_whole(twin: Twin) -> None:
    facts = read(path(twin))
    assert unknown(facts) == {}
    assert is_known(facts.nodes)
    assert len(facts.nodes) == 9
    assert is_known(facts.serving_certificate)
    assert "127.0.0.1" in facts.serving_certificate.ip_addresses
    assert is_known(facts.etcd_pods)
    assert [pod.labels_ok for pod in facts.etcd_pods] == [True] * 3
    assert is_known(facts.cluster_info)
    assert facts.cluster_info is not None
    assert facts.cluster_info.signed


def test_small_pages_give_the_same_facts(twin: Twin, groups: Any) -> None:
    whole = read(path(twin))
    before = len(groups.requests)
    reader = KubernetesReader(limits=Limits(timeout_s=2.0, page=2))
    paged = asyncio.run(reader.read(KubeconfigRef(path=str(path(twin)))))
    assert paged == whole
    assert any("continue=" in request for request in groups.requests[before:])


@pytest.mark.usefixtures("groups")
def test_no_planted_secret_is_in_the_facts(twin: Twin) -> None:
    for cluster in ("plain", "groups"):
        text = repr(read(path(twin, cluster)))
        assert [secret for secret in twin.world.planted_secrets if secret in text] == []


@pytest.mark.parametrize(
    ("fault", "code", "unseen"),
    [
        (Fault(path="/api/v1/nodes", status=403, reason="Forbidden"), "RP053", {"nodes"}),
        (Fault(path="/api/v1/nodes", status=500), "RP057", {"nodes"}),
        (Fault(path="/api/v1/nodes", kind="hang"), "RP056", {"nodes"}),
        (Fault(path="/api/v1/nodes", kind="cut"), "RP056", {"nodes"}),
        (Fault(path="/api/v1/nodes", kind="garbage"), "RP059", {"nodes"}),
        (Fault(path="/api/v1/nodes", kind="shape"), "RP059", {"nodes"}),
        (Fault(path="/api/v1/pods", status=500), "RP057", {"pods", "etcd_pods", "control_plane_pods"}),
        (Fault(path="/apis/policy/*", status=403, reason="Forbidden"), "RP053", {"disruption_budgets"}),
        (
            Fault(path="*/configmaps/kubeadm-config", status=403, reason="Forbidden"),
            "RP053",
            {"kubeadm_config"},
        ),
        (Fault(path="*/configmaps/cluster-info", status=500), "RP057", {"cluster_info"}),
        (
            Fault(path="/api/v1/services", status=429, retry_after_s=900),
            "RP057",
            {"load_balancer_services"},
        ),
    ],
    ids=lambda value: f"{value.path} {value.kind} {value.status}" if isinstance(value, Fault) else None,
)
def test_one_listing_that_fails_is_unknown_by_its_cause(
    twin: Twin, groups: Any, fault: Fault, code: str, unseen: set[str]
) -> None:
    groups.faults.append(fault)
    assert unknown(read(path(twin))) == dict.fromkeys(unseen, code)
    assert code in catalogue()


def test_a_missing_right_names_verb_and_resource(twin: Twin, groups: Any) -> None:
    groups.faults.append(Fault(path="/api/v1/nodes", status=403, reason="Forbidden"))
    facts = read(path(twin))
    assert isinstance(facts.nodes, Unknown)
    assert "list" in facts.nodes.unknown
    assert "nodes" in facts.nodes.unknown


def test_no_rights_at_all_is_one_error_that_says_what_to_grant(twin: Twin, groups: Any) -> None:
    groups.faults.append(Fault(status=403, reason="Forbidden"))
    with pytest.raises(Refused, match="replank permissions"):
        read(path(twin))


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_a_moment_gets_it(twin: Twin, groups: Any, status: int) -> None:
    groups.faults.append(Fault(path="/api/v1/nodes", status=status, retry_after_s=0, times=1))
    assert unknown(read(path(twin))) == {}


def test_a_missing_config_map_is_absent_and_not_unknown(twin: Twin, groups: Any) -> None:
    groups.faults.append(Fault(path="*/configmaps/kubeadm-config", status=404, reason="NotFound"))
    facts = read(path(twin))
    assert facts.kubeadm_config is None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=401, reason="Unauthorized"), "RP052"),
        (Fault(status=403, reason="Forbidden"), "RP053"),
        (Fault(status=404, reason="NotFound"), "RP058"),
        (Fault(status=404, kind="plain"), "RP059"),
        (Fault(kind="hang"), "RP056"),
        (Fault(kind="cut"), "RP056"),
        (Fault(kind="garbage"), "RP059"),
        (Fault(status=500), "RP057"),
    ],
    ids=lambda value: f"{value.kind} {value.status}" if isinstance(value, Fault) else None,
)
def test_a_server_that_answers_nothing_useful_is_one_error(
    twin: Twin, groups: Any, fault: Fault, code: str
) -> None:
    groups.faults.append(fault)
    with pytest.raises(ReplankError) as error:
        read(path(twin))
    assert error.value.code == code


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_server_that_is_not_there_is_worth_another_try(twin: Twin, tmp_path: Path) -> None:
    with pytest.raises(Transient) as error:
        read(bent(twin, tmp_path, {"server": f"https://127.0.0.1:{free_port()}"}))
    assert error.value.code == "RP055"


def test_a_certificate_of_another_authority_is_refused(twin: Twin, tmp_path: Path) -> None:
    other = YAML(typ="safe").load(path(twin, "plain"))["clusters"][0]["cluster"]
    ca = {"certificate-authority-data": other["certificate-authority-data"]}
    with pytest.raises(Refused) as error:
        read(bent(twin, tmp_path, ca))
    assert error.value.code == "RP054"


@pytest.mark.usefixtures("groups")
def test_tls_server_name_is_what_the_certificate_must_be_for(twin: Twin, tmp_path: Path) -> None:
    assert unknown(read(bent(twin, tmp_path, {"tls-server-name": "kubernetes.default.svc"}))) == {}
    with pytest.raises(Refused) as error:
        read(bent(twin, tmp_path, {"tls-server-name": "api.elsewhere.example"}))
    assert error.value.code == "RP054"


def test_expired_credentials_are_named_before_anything_is_asked(twin: Twin, groups: Any) -> None:
    before = len(groups.requests)
    with pytest.raises(Refused) as error:
        read(path(twin), clock=lambda: datetime(2199, 1, 1, tzinfo=UTC))
    assert error.value.code == "RP052"
    assert len(groups.requests) == before


def test_an_exec_plugin_that_is_not_installed_is_named(twin: Twin, tmp_path: Path) -> None:
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "no-such-login",
            "args": ["token"],
        }
    }
    with pytest.raises(Refused) as error:
        read(bent(twin, tmp_path, {}, user))
    assert error.value.code == "RP051"
    assert "no-such-login" in str(error.value)


def test_a_proxy_of_the_kubeconfig_is_used(twin: Twin, tmp_path: Path) -> None:
    """Nothing listens at the proxy's port: the error shows that replank went there."""
    with pytest.raises(Transient) as error:
        read(bent(twin, tmp_path, {"proxy-url": f"http://ops:hunter2@127.0.0.1:{free_port()}"}))
    assert error.value.code == "RP055"
    assert "hunter2" not in str(error.value)


def test_management_cluster_is_read_by_names_only(twin: Twin) -> None:
    served = twin.management
    assert served is not None
    target = ManagementTarget(namespace="plain", kubeconfig=KubeconfigRef(path=str(path(twin, "management"))))
    reader = KubernetesManagementReader(limits=LIMITS)
    facts = asyncio.run(reader.read(target, "plain"))
    assert is_known(facts.providers)
    assert {p.name: p.version for p in facts.providers}["cluster-api"] == "v1.14.0"
    assert is_known(facts.served)
    assert {"KubeadmControlPlane", "OpenStackMachine"} <= {kind.kind for kind in facts.served}
    # As a real API server, which writes null for an empty list of metadata.
    path_ = "/apis/cluster.x-k8s.io/v1beta2/namespaces/plain/clusters"
    assert b'"items":null' in served.store.answer(path_, {}, MetadataTransport.ACCEPT).body
    assert facts.existing == ()
    assert [s for s in twin.world.planted_secrets if s in repr(facts)] == []
    crds = asyncio.run(reader.crds(target))
    assert {"Machine", "OpenStackCluster"} <= {crd["spec"]["names"]["kind"] for crd in crds}
