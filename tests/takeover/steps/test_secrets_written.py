"""Secrets from the machines: never written over, always whole, never told."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from openstack_world import NOW, PKI, World, authority, pki

from replank.domain.errors import Refused
from replank.migrations.takeover.steps import kubeconfig
from replank.migrations.takeover.steps.kubeconfig import ClusterAuthority
from replank.ports.access import Document, ObjectRef

CA = "secret-plain-ca"
KUBECONFIG = "secret-plain-kubeconfig"


def secret(
    name: str, *, kind: str = "Opaque", labels: dict[str, str] | None = None, **data: bytes
) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "fleet", "labels": labels or {}},
        "type": kind,
        "data": {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()},
    }


LABELS = {"cluster.x-k8s.io/cluster-name": "plain"}


def ca(kind: str = "Opaque", labels: dict[str, str] | None = None, key: bytes = b"") -> Document:
    files = pki()
    certificate, own = files[f"{PKI}/ca.crt"], files[f"{PKI}/ca.key"]
    return secret("plain-ca", kind=kind, labels=labels, tls_crt=certificate, tls_key=key or own)


@pytest.mark.parametrize("there", [ca(key=b"another"), ca(kind="cluster.x-k8s.io/secret")])
def test_a_secret_with_other_content_is_not_written_over(there: Document) -> None:
    world = World().until(CA)
    before = dict(world.management.put(there))
    step = world.step(CA)
    assert world.outcomes(step, "before")["kubernetes.secret.absent-or-same"].outcome == "fail"
    with pytest.raises(Refused) as refused:
        world.apply(step)
    assert refused.value.code == "RP876"
    world.undo(step)
    assert world.management["Secret/plain-ca"] == before


def test_a_secret_that_is_there_and_the_same_stays_and_survives_the_undo() -> None:
    world = World().until(CA)
    uid = world.management.put(ca(labels={"mine": "yes"}))["metadata"]["uid"]
    step = world.step(CA)
    assert world.apply(step)["did"] == "labelled"
    assert world.outcomes(step, "after")["kubernetes.secret.complete"].outcome == "pass"
    world.undo(step)
    meta = world.management["Secret/plain-ca"]["metadata"]
    assert (meta["uid"], meta["labels"]) == (uid, {"mine": "yes"})


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"data": {"tls.key": None}}, "fail"),
        ({"data": {"tls.key": "eA=="}}, "fail"),
        ({"metadata": {"labels": {"cluster.x-k8s.io/cluster-name": None}}}, "wait"),
    ],
)
def test_a_secret_that_lost_something_is_not_complete(change: Document, outcome: str) -> None:
    world = World().until("secret-plain-etcd")
    world.management.change(ObjectRef("v1", "Secret", "fleet", "plain-ca"), change)
    assert world.outcomes(world.step(CA), "after")["kubernetes.secret.complete"].outcome == outcome


def test_keys_of_another_certificate_are_no_pair() -> None:
    world = World()
    world.hosts.files[f"{PKI}/ca.key"] = pki()[f"{PKI}/etcd/ca.key"]
    world.until("secret-plain-etcd")
    verdict = world.outcomes(world.step(CA), "after")["kubernetes.secret.pair"]
    assert (verdict.outcome, "another certificate" in verdict.why) == ("fail", True)


def test_service_account_keys_are_a_pair() -> None:
    world = World().until("secret-plain-proxy")
    assert world.outcomes(world.step("secret-plain-sa"), "after")["kubernetes.secret.pair"].outcome == "pass"


def test_an_empty_file_stops_before_anything_is_written() -> None:
    world = World()
    world.hosts.files[f"{PKI}/ca.key"] = b""
    world.until(CA)
    assert world.outcomes(world.step(CA), "before")["host.files-readable"].outcome == "fail"


def made(world: World) -> bytes:
    return base64.b64decode(world.management["Secret/plain-kubeconfig"]["data"]["value"])


def own_authority(certificate: bytes = b"", key: bytes = b"") -> ClusterAuthority:
    files = pki()
    return ClusterAuthority.of(certificate or files[f"{PKI}/ca.crt"], key or files[f"{PKI}/ca.key"])


def unfit(value: bytes, now: float = NOW, cluster: str = "plain", endpoint: str = "") -> str:
    endpoint = endpoint or World().plan.load_balancer.endpoint
    return kubeconfig.unfit(value, own_authority(), cluster=cluster, endpoint=endpoint, now=now)


def test_a_kubeconfig_is_made_for_a_year_by_the_clusters_ca() -> None:
    world = World().until("lock-plain-cp-1")
    value = made(world)
    assert unfit(value) == ""
    assert "has expired" in unfit(value, now=NOW + 366 * 86400)
    assert "calls the cluster" in unfit(value, cluster="kubernetes")
    assert "names the server" in unfit(value, endpoint="10.0.0.1:6443")
    (line,) = [line for line in value.decode().splitlines() if "client-certificate-data" in line]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(line.split(": ")[1]))
    assert certificate.subject.rfc4514_string() == "CN=kubernetes-admin,O=system:masters"


def test_a_kubeconfig_of_another_ca_is_unfit() -> None:
    certificate, key = authority("another")
    other = own_authority(certificate, key)
    endpoint = World().plan.load_balancer.endpoint
    value = kubeconfig.made(other, cluster="plain", endpoint=endpoint, now=NOW)
    assert "not one that the cluster's CA has signed" in unfit(value)


@pytest.mark.parametrize("text", [b"", b"\xff", b"a: [", b"apiVersion: v1\nkind: Config\n"])
def test_what_is_no_kubeconfig_is_unfit(text: bytes) -> None:
    assert unfit(text)


def test_a_kubeconfig_that_was_made_is_never_made_anew() -> None:
    world = World().until("lock-plain-cp-1")
    value = made(world)
    world.management.silent = "no route to host"
    assert world.apply(world.step(KUBECONFIG))["did"] == "nothing: it is there already"
    assert made(world) == value
    works = world.outcomes(world.step(KUBECONFIG), "after")["kubernetes.kubeconfig.works"]
    assert works.outcome == "wait"


def test_somebodys_kubeconfig_stays_if_it_works_and_stops_if_not() -> None:
    world = World().until(KUBECONFIG)
    world.management.put(secret("plain-kubeconfig", labels=LABELS, value=b"somebody's"))
    step = world.step(KUBECONFIG)
    assert world.apply(step)["did"] == "nothing: it is there already"
    world.management.silent = "401"
    assert world.outcomes(step, "before")["kubernetes.secret.absent-or-same"].outcome == "fail"
    with pytest.raises(Refused) as refused:
        world.apply(step)
    assert (refused.value.code, made(world)) == ("RP881", b"somebody's")


def test_a_ca_that_has_expired_or_is_another_keys_cannot_sign() -> None:
    certificate, key = authority("old", days=10)
    with pytest.raises(Refused) as expired:
        kubeconfig.made(own_authority(certificate, key), cluster="c", endpoint="e:1", now=NOW)
    with pytest.raises(Refused) as unlike:
        own_authority(certificate)
    assert (expired.value.code, unlike.value.code) == ("RP880", "RP880")
