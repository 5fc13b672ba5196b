"""What kubeadm makes of the spec: the ClusterConfiguration and the static pods of each control plane.

Sources: kubernetes 1.34 cmd/kubeadm/app/phases/controlplane/{manifests,volumes}.go, phases/etcd/local.go,
constants/constants.go (DefaultEtcdVersion); the labels `tier` and `component` are what KCP looks for.
"""

from __future__ import annotations

from typing import Any, Literal

from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document

Component = Literal["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"]
COMPONENTS: tuple[Component, ...] = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
PKI = "/etc/kubernetes/pki"
AUDIT_FILE = "/etc/kubernetes/audit/policy.yaml"
AUDIT_LOGS = "/var/log/kubernetes/audit"
ENCRYPTION_FILE = "/etc/kubernetes/encryption/config.yaml"
OIDC_FILE = "/etc/kubernetes/oidc/ca.crt"
_ETCD = {31: "3.5.24-0", 32: "3.5.24-0", 33: "3.5.24-0", 34: "3.6.5-0", 35: "3.6.6-0"}
_COREDNS = {31: "v1.11.3", 32: "v1.11.3", 33: "v1.12.0", 34: "v1.12.1", 35: "v1.13.1"}
_PAUSE = {31: "3.10", 32: "3.10", 33: "3.10", 34: "3.10.1", 35: "3.10.1"}


def etcd_version(layout: ClusterLayout) -> str:
    """Version of etcd's image without build number, `3.6.5`."""
    return _ETCD.get(layout.minor, "3.5.24-0").partition("-")[0]


def coredns_image(layout: ClusterLayout) -> str:
    """kubeadm's CoreDNS image for the version."""
    return f"registry.k8s.io/coredns/coredns:{_COREDNS.get(layout.minor, 'v1.11.3')}"


def pause_image(layout: ClusterLayout) -> str:
    """kubeadm's sandbox image for the version."""
    return f"registry.k8s.io/pause:{_PAUSE.get(layout.minor, '3.10')}"


def component_image(layout: ClusterLayout, component: str) -> str:
    """The image of a control-plane component, kube-proxy or etcd."""
    tag = _ETCD.get(layout.minor, "3.5.24-0") if component == "etcd" else layout.spec.version
    return f"registry.k8s.io/{component}:{tag}"


def api_server_extra(layout: ClusterLayout) -> tuple[list[tuple[str, str]], list[Document]]:
    """extraArgs (name, value) and extraVolumes of the API server."""
    spec = layout.spec
    args: list[tuple[str, str]] = [("profiling", "false")]
    volumes: list[Document] = []
    if spec.audit_policy:
        args += [("audit-log-path", f"{AUDIT_LOGS}/audit.log"), ("audit-policy-file", AUDIT_FILE)]
        args += [("audit-log-maxage", "30"), ("audit-log-maxbackup", "10")]
        volumes += [_extra_volume("audit-policy", AUDIT_FILE, "File", read_only=True)]
        volumes += [_extra_volume("audit-logs", AUDIT_LOGS, "DirectoryOrCreate", read_only=False)]
    if spec.encryption:
        args.append(("encryption-provider-config", ENCRYPTION_FILE))
        volumes.append(_extra_volume("encryption", ENCRYPTION_FILE, "File", read_only=True))
    if spec.oidc:
        args += [("oidc-ca-file", OIDC_FILE), ("oidc-client-id", "kubernetes")]
        args += [("oidc-issuer-url", "https://login.example.org"), ("oidc-username-claim", "email")]
        volumes.append(_extra_volume("oidc-ca", OIDC_FILE, "File", read_only=True))
    return args, volumes


def cluster_configuration(layout: ClusterLayout) -> Document:
    """The ClusterConfiguration of ConfigMap kube-system/kubeadm-config."""
    spec = layout.spec
    args, volumes = api_server_extra(layout)
    api_server: Document = {
        "certSANs": api_sans(layout),
        "extraArgs": _extra_args(layout, args),
    }
    if volumes:
        api_server["extraVolumes"] = volumes
    document: Document = {
        "apiServer": api_server,
        "apiVersion": f"kubeadm.k8s.io/{spec.kubeadm_api}",
        "caCertificateValidityPeriod": "87600h0m0s",
        "certificateValidityPeriod": "8760h0m0s",
        "certificatesDir": PKI,
        "clusterName": "kubernetes",
        "controlPlaneEndpoint": layout.endpoint,
        "controllerManager": {"extraArgs": _extra_args(layout, [("profiling", "false")])},
        "dns": {},
        "encryptionAlgorithm": "ECDSA-P256",
        "etcd": {"local": {"dataDir": "/var/lib/etcd"}},
        "imageRepository": "registry.k8s.io",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": spec.version,
        "networking": {
            "dnsDomain": "cluster.local",
            "podSubnet": spec.pod_cidr,
            "serviceSubnet": spec.service_cidr,
        },
        "proxy": {},
        "scheduler": {"extraArgs": _extra_args(layout, [("profiling", "false")])},
    }
    if spec.kubeadm_api == "v1beta3":
        for newer in ("caCertificateValidityPeriod", "certificateValidityPeriod"):
            del document[newer]
        for newer in ("encryptionAlgorithm", "proxy"):
            del document[newer]
        document["apiServer"]["timeoutForControlPlane"] = "4m0s"
    return document


def api_sans(layout: ClusterLayout) -> list[str]:
    """certSANs: names and addresses by which the API is called."""
    floating = [layout.floating_ip] if layout.floating_ip else []
    return [f"api.{layout.name}.example.org", layout.vip, *floating, "127.0.0.1"]


def component_args(
    layout: ClusterLayout, machine: MachineLayout, component: Component
) -> list[tuple[str, str]]:
    """Flags as kubeadm orders them: sorted by name."""
    match component:
        case "kube-apiserver":
            flags = _api_server(layout, machine)
        case "kube-controller-manager":
            flags = _controller_manager(layout)
        case "kube-scheduler":
            flags = _scheduler()
        case "etcd":
            flags = _etcd(layout, machine)
    return sorted(flags.items())


def _api_server(layout: ClusterLayout, machine: MachineLayout) -> dict[str, str]:
    return {
        "advertise-address": machine.address,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "client-ca-file": f"{PKI}/ca.crt",
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": "true",
        "etcd-cafile": f"{PKI}/etcd/ca.crt",
        "etcd-certfile": f"{PKI}/apiserver-etcd-client.crt",
        "etcd-keyfile": f"{PKI}/apiserver-etcd-client.key",
        "etcd-servers": "https://127.0.0.1:2379",
        "kubelet-client-certificate": f"{PKI}/apiserver-kubelet-client.crt",
        "kubelet-client-key": f"{PKI}/apiserver-kubelet-client.key",
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "proxy-client-cert-file": f"{PKI}/front-proxy-client.crt",
        "proxy-client-key-file": f"{PKI}/front-proxy-client.key",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": f"{PKI}/front-proxy-ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": "6443",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": f"{PKI}/sa.pub",
        "service-account-signing-key-file": f"{PKI}/sa.key",
        "service-cluster-ip-range": layout.spec.service_cidr,
        "tls-cert-file": f"{PKI}/apiserver.crt",
        "tls-private-key-file": f"{PKI}/apiserver.key",
        **dict(api_server_extra(layout)[0]),
    }


def _controller_manager(layout: ClusterLayout) -> dict[str, str]:
    kubeconfig = "/etc/kubernetes/controller-manager.conf"
    return {
        "allocate-node-cidrs": "true",
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "client-ca-file": f"{PKI}/ca.crt",
        "cluster-cidr": layout.spec.pod_cidr,
        "cluster-name": "kubernetes",
        "cluster-signing-cert-file": f"{PKI}/ca.crt",
        "cluster-signing-key-file": f"{PKI}/ca.key",
        "controllers": "*,bootstrapsigner,tokencleaner",
        "kubeconfig": kubeconfig,
        "leader-elect": "true",
        "profiling": "false",
        "requestheader-client-ca-file": f"{PKI}/front-proxy-ca.crt",
        "root-ca-file": f"{PKI}/ca.crt",
        "service-account-private-key-file": f"{PKI}/sa.key",
        "service-cluster-ip-range": layout.spec.service_cidr,
        "use-service-account-credentials": "true",
    }


def _scheduler() -> dict[str, str]:
    kubeconfig = "/etc/kubernetes/scheduler.conf"
    return {
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "kubeconfig": kubeconfig,
        "leader-elect": "true",
        "profiling": "false",
    }


def _etcd(layout: ClusterLayout, machine: MachineLayout) -> dict[str, str]:
    # kubeadm writes the members that stood when this one joined.
    before = layout.control_planes[: machine.index + 1]
    flags = {
        "advertise-client-urls": f"https://{machine.address}:2379",
        "cert-file": f"{PKI}/etcd/server.crt",
        "client-cert-auth": "true",
        "data-dir": "/var/lib/etcd",
        "initial-advertise-peer-urls": f"https://{machine.address}:2380",
        "initial-cluster": ",".join(f"{m.name}=https://{m.address}:2380" for m in before),
        "key-file": f"{PKI}/etcd/server.key",
        "listen-client-urls": f"https://127.0.0.1:2379,https://{machine.address}:2379",
        "listen-metrics-urls": "http://127.0.0.1:2381",
        "listen-peer-urls": f"https://{machine.address}:2380",
        "name": machine.name,
        "peer-cert-file": f"{PKI}/etcd/peer.crt",
        "peer-client-cert-auth": "true",
        "peer-key-file": f"{PKI}/etcd/peer.key",
        "peer-trusted-ca-file": f"{PKI}/etcd/ca.crt",
        "snapshot-count": "10000",
        "trusted-ca-file": f"{PKI}/etcd/ca.crt",
    }
    if machine.index:
        flags["initial-cluster-state"] = "existing"
    if layout.minor >= 34:
        flags |= {"feature-gates": "InitialCorruptCheck=true", "watch-progress-notify-interval": "5s"}
    else:
        flags |= {
            "experimental-initial-corrupt-check": "true",
            "experimental-watch-progress-notify-interval": "5s",
        }
    return flags


def _extra_args(layout: ClusterLayout, args: list[tuple[str, str]]) -> Any:
    """A map up to v1beta3, a list of name and value from v1beta4."""
    if layout.spec.kubeadm_api == "v1beta3":
        return dict(args)
    return [{"name": name, "value": value} for name, value in args]


def _extra_volume(name: str, path: str, path_type: str, *, read_only: bool) -> Document:
    volume: Document = {"hostPath": path, "mountPath": path, "name": name, "pathType": path_type}
    return volume | {"readOnly": True} if read_only else volume
