"""kubeadm's ClusterConfiguration, v1beta2 to v1beta4.

Source of the fields: kubernetes cmd/kubeadm/app/apis/kubeadm/{v1beta2,v1beta3,v1beta4}/types.go (v1beta2 was
last in 1.26, v1beta3 since 1.22, v1beta4 since 1.31) and defaults.go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.kubernetes import (
    ClusterConfiguration,
    ComponentConfig,
    ExternalEtcd,
    ExtraArg,
    HostPathMount,
    LocalEtcd,
)
from replank.inventory.kubeadm.document import Fields, read_mapping

API_GROUP: Final = "kubeadm.k8s.io"
VERSIONS: Final = ("v1beta2", "v1beta3", "v1beta4")


def parse_cluster_configuration(text: str, *, where: str) -> ClusterConfiguration:
    """The document in `text`; fields with no place in the model are named in `unread`.

    `where`: for messages. Raises `Refused` RP080 (not YAML), RP081 (not a ClusterConfiguration of a version
    that replank reads), RP082 (a field of a wrong type).
    """
    mapping = read_mapping(text, code="RP080", what="kubeadm's ClusterConfiguration", where=where)
    fields = Fields(mapping, where=where)
    api_version = _api_version(fields, where)
    networking = fields.child("networking")
    dns = fields.child("dns")
    dns_type = dns.text("type")
    hyperkube = fields.boolean("useHyperKubeImage")
    local, external, own_http = _etcd(fields.child("etcd"))
    configuration = ClusterConfiguration(
        api_version=api_version,
        kubernetes_version=fields.text("kubernetesVersion"),
        cluster_name=fields.text("clusterName", "kubernetes"),
        control_plane_endpoint=fields.text("controlPlaneEndpoint"),
        pod_subnet=networking.text("podSubnet"),
        service_subnet=networking.text("serviceSubnet"),
        dns_domain=networking.text("dnsDomain", "cluster.local"),
        certificates_dir=fields.text("certificatesDir", "/etc/kubernetes/pki"),
        image_repository=fields.text("imageRepository"),
        feature_gates=fields.booleans("featureGates"),
        api_server=_component(fields.child("apiServer")),
        controller_manager=_component(fields.child("controllerManager")),
        scheduler=_component(fields.child("scheduler")),
        etcd_local=local,
        etcd_external=external,
        dns_image_repository=dns.text("imageRepository"),
        dns_image_tag=dns.text("imageTag"),
        dns_disabled=dns.boolean("disabled"),
        proxy_disabled=fields.child("proxy").boolean("disabled"),
        encryption_algorithm=fields.text("encryptionAlgorithm"),
        certificate_validity_seconds=fields.seconds("certificateValidityPeriod"),
        ca_certificate_validity_seconds=fields.seconds("caCertificateValidityPeriod"),
    )
    # Both are gone since v1beta3; only a value that says something else than today's behaviour is a loss.
    lost = {
        "dns.type": dns_type not in ("", "CoreDNS"),
        "useHyperKubeImage": hyperkube,
        "etcd.external.httpEndpoints": own_http,
    }
    unread = [*fields.unread(), *(name for name, is_lost in lost.items() if is_lost)]
    return replace(configuration, unread=tuple(sorted(unread)))


def _api_version(fields: Fields, where: str) -> str:
    api_version, kind = fields.text("apiVersion"), fields.text("kind")
    group, _, version = api_version.partition("/")
    if kind == "ClusterConfiguration" and group == API_GROUP and version in VERSIONS:
        return api_version
    if kind == "ClusterConfiguration" and group == API_GROUP:
        why = f"its version is {version[:40]!r}, replank reads {', '.join(VERSIONS)}"
        todo = (
            "Bring the cluster to a release of Kubernetes that Cluster API supports with `kubeadm upgrade`."
        )
    else:
        why = f"it is {kind[:40]!r} of {api_version[:60]!r}"
        todo = "Look at the document; kubeadm keeps a ClusterConfiguration there."
    raise Refused("RP081", "The document is no ClusterConfiguration to read", why, todo, where=where)


def _component(fields: Fields) -> ComponentConfig:
    return ComponentConfig(
        extra_args=_extra_args(fields),
        extra_volumes=tuple(_mount(volume) for volume in fields.children("extraVolumes")),
        cert_sans=fields.texts("certSANs"),
        extra_env_names=_env_names(fields),
        timeout_for_control_plane_seconds=fields.seconds("timeoutForControlPlane"),
    )


def _extra_args(fields: Fields) -> tuple[ExtraArg, ...]:
    """A list (v1beta4) keeps its order; a map (before) is sorted by name.

    Sorted as Cluster API's conversion does, so that both sides compare equal (cluster-api v1.14,
    api/bootstrap/kubeadm/v1beta1/conversion.go ConvertToArgs).
    """
    if fields.is_list("extraArgs"):
        return tuple(
            ExtraArg(name=arg.text("name"), value=arg.text("value")) for arg in fields.children("extraArgs")
        )
    found = []
    for name, value in sorted(fields.raw_mapping("extraArgs").items()):
        if not isinstance(value, str):
            raise fields.wrong(f"extraArgs.{name}", "a text")
        found.append(ExtraArg(name=name, value=value))
    return tuple(found)


def _env_names(fields: Fields) -> tuple[str, ...]:
    """Names only: a value or its source may be a secret, and both count as read so that no path is lost."""
    names = []
    for entry in fields.children("extraEnvs"):
        names.append(entry.text("name"))
        entry.text("value")
        entry.raw_mapping("valueFrom")
    return tuple(names)


def _mount(fields: Fields) -> HostPathMount:
    return HostPathMount(
        name=fields.text("name"),
        host_path=fields.text("hostPath"),
        mount_path=fields.text("mountPath"),
        read_only=fields.boolean("readOnly"),
        path_type=fields.text("pathType"),
    )


def _etcd(fields: Fields) -> tuple[LocalEtcd | None, ExternalEtcd | None, bool]:
    """Local or external etcd, and whether an external one has HTTP endpoints of its own.

    kubeadm defaults to local etcd where neither is named (defaults.go SetDefaults_Etcd), and since 1.35 to
    HTTP endpoints equal to the others (v1beta4/defaults.go SetDefaults_ExternalEtcd).

    `etcd: {}` is what Cluster API leaves behind after a rollout.
    """
    if fields.has("external"):
        external = fields.child("external")
        endpoints = external.texts("endpoints")
        own_http = external.texts("httpEndpoints") not in ((), endpoints)
        found = ExternalEtcd(
            endpoints=endpoints,
            ca_file=external.text("caFile"),
            cert_file=external.text("certFile"),
            key_file=external.text("keyFile"),
        )
        return None, found, own_http
    local = fields.child("local")
    stacked = LocalEtcd(
        data_dir=local.text("dataDir", "/var/lib/etcd"),
        image_repository=local.text("imageRepository"),
        image_tag=local.text("imageTag"),
        extra_args=_extra_args(local),
        server_cert_sans=local.texts("serverCertSANs"),
        peer_cert_sans=local.texts("peerCertSANs"),
    )
    return stacked, None, False
