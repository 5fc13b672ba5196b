"""The Secrets that Cluster API expects, by reference: where each value is when the plan is carried out.

Type `Opaque` for all of them. KCP adopts Secrets of type `cluster.x-k8s.io/secret` and they are deleted
with it (cluster-api v1.14.0, ensureCertificatesOwnerRef), so an undo would take the cluster's CA keys
along; Opaque ones stay. A kubeconfig of the other type is renewed by KCP, which fails on one that calls its
cluster `kubernetes`. All carry the cluster-name label: KCP's cache holds no others.
"""

from __future__ import annotations

from collections.abc import Sequence

from replank.domain.unknown import Unknown
from replank.inventory.facts.kubernetes import ClusterConfiguration
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.files import CarriedFile
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.openstack.credentials import cloud_secret
from replank.migrations.takeover.seen import Cloud
from replank.migrations.takeover.vocabulary import CLUSTER_NAME, MOVE
from replank.plan.takeover import SecretPlan, SecretSource


def secrets(
    names: Names,
    cloud: Cloud,
    config: ClusterConfiguration | None,
    control_planes: Sequence[Adoptee],
    files: Sequence[CarriedFile],
    notes: Notes,
    *,
    made: bool = True,
) -> tuple[SecretPlan, ...]:
    """Every Secret, in the order in which they are written. `made`: CAPO's among them."""
    found = [cloud_secret(names, cloud)] if made else []
    if config is None or not control_planes:
        return tuple(found)
    found += [
        _pair(names, control_planes, notes, purpose, certificate, key, says)
        for purpose, certificate, key, says in _pairs(config)
    ]
    found.append(_kubeconfig(names))
    if files:
        found.append(_files(names, files))
    return tuple(found)


def _pairs(config: ClusterConfiguration) -> list[tuple[str, str, str, str]]:
    """Purpose, certificate (or public key), key, and words."""
    folder = config.certificates_dir.rstrip("/")
    pairs = [
        ("ca", f"{folder}/ca.crt", f"{folder}/ca.key", "the cluster's CA: without it KCP makes a new one"),
    ]
    if config.etcd_external is not None:
        etcd = config.etcd_external
        pairs.append(("etcd", etcd.ca_file, "", "the CA of the external etcd, without its key"))
        pairs.append(
            ("apiserver-etcd-client", etcd.cert_file, etcd.key_file, "the API server's certificate for etcd")
        )
    else:
        pairs.append(
            (
                "etcd",
                f"{folder}/etcd/ca.crt",
                f"{folder}/etcd/ca.key",
                "etcd's CA: KCP speaks to etcd with it",
            )
        )
    pairs.append(("sa", f"{folder}/sa.pub", f"{folder}/sa.key", "the keys that sign service-account tokens"))
    pairs.append(
        (
            "proxy",
            f"{folder}/front-proxy-ca.crt",
            f"{folder}/front-proxy-ca.key",
            "the front proxy's CA: without it KCP makes a new one and aggregated APIs break",
        )
    )
    return pairs


def _pair(
    names: Names,
    control_planes: Sequence[Adoptee],
    notes: Notes,
    purpose: str,
    certificate: str,
    key: str,
    says: str,
) -> SecretPlan:
    data: dict[str, SecretSource] = {}
    for entry, path in (("tls.crt", certificate), ("tls.key", key)):
        if path:
            what = "private key" if entry == "tls.key" else "certificate or public key"
            data[entry] = _from_host(control_planes, path, what, notes)
    return SecretPlan(
        name=names.secret(purpose),
        namespace=names.namespace,
        type="Opaque",
        labels={CLUSTER_NAME: names.cluster},
        data=data,
        says=f"{says}. Opaque: it survives an undo, KCP does not own it",
    )


def _from_host(control_planes: Sequence[Adoptee], path: str, says: str, notes: Notes) -> SecretSource:
    """The first control plane that has the file; if none was seen to have it, the first, with a note."""
    unseen: list[str] = []
    for adoptee in control_planes:
        has = _has(adoptee, path)
        if has is True:
            return _host_file(adoptee, path, says)
        unseen.append(has if isinstance(has, str) else f"{adoptee.server.name} does not have it")
    notes.gap(f"file {path}", "; ".join(dict.fromkeys(unseen)), unknown=any("not seen" in u for u in unseen))
    return _host_file(control_planes[0], path, says)


def _has(adoptee: Adoptee, path: str) -> bool | str:
    """True, False, or why it is not known."""
    host = adoptee.host
    if host is None:
        return f"{adoptee.server.name} was not seen over SSH"
    keys, certificates = host.keys, host.certificates
    paths: set[str] = set()
    why = ""
    if isinstance(keys, Unknown):
        why = keys.unknown
    else:
        paths |= {f.path for f in keys}
    if isinstance(certificates, Unknown):
        why = why or certificates.unknown
    else:
        paths |= {c.path for c in certificates}
    if path in paths:
        return True
    return f"not seen on {adoptee.server.name}: {why}" if why else False


def _host_file(adoptee: Adoptee, path: str, says: str) -> SecretSource:
    return SecretSource(source="host-file", machine=adoptee.name, path=path, says=says)


def _kubeconfig(names: Names) -> SecretPlan:
    return SecretPlan(
        name=names.secret("kubeconfig"),
        namespace=names.namespace,
        type="Opaque",
        labels={CLUSTER_NAME: names.cluster},
        data={
            "value": SecretSource(
                source="made-kubeconfig",
                says="an administrator's client certificate signed by ca.key; its cluster is called "
                f"{names.cluster}",
            )
        },
        says="How Cluster API reaches the workload cluster. Opaque: KCP neither owns nor renews it. Once "
        "settled, delete it before its certificate expires and KCP makes one that it renews itself",
    )


def _files(names: Names, files: Sequence[CarriedFile]) -> SecretPlan:
    return SecretPlan(
        name=names.files,
        namespace=names.namespace,
        type="Opaque",
        labels={CLUSTER_NAME: names.cluster, MOVE: "true"},
        data={
            file.key: SecretSource(
                source="host-file",
                machine=file.machine,
                path=file.path,
                says=f"{file.purpose} file of {file.flag}" + ("; holds secrets" if file.secret else ""),
            )
            for file in sorted(files, key=lambda f: f.key)
        },
        says="Files that flags of the control plane point at. New control planes get them from here; "
        "KubeadmControlPlane and every KubeadmConfig name them alike",
    )
