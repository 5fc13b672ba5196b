"""Which flags of the control plane's static pods are the operator's, and which kubeadm writes by itself.

Source: k8s.io/kubernetes v1.31-v1.35, cmd/kubeadm/app/phases/controlplane/manifests.go and
cmd/kubeadm/app/phases/etcd/local.go. A flag with a value here is kubeadm's only with that value: another one
was put there on purpose (`*` at the end stands for anything). A flag with None depends on the host or on
other settings and is always kubeadm's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KUBECONFIGS: Final[Mapping[str, str | None]] = {
    "authentication-kubeconfig": None,
    "authorization-kubeconfig": None,
    "bind-address": "127.0.0.1",
    "kubeconfig": None,
    "leader-elect": "true",
}

_API_SERVER: Final[Mapping[str, str | None]] = {
    "advertise-address": None,
    "allow-privileged": "true",
    "authorization-mode": "Node,RBAC",
    "client-ca-file": None,
    "enable-admission-plugins": "NodeRestriction",
    "enable-bootstrap-token-auth": "true",
    "etcd-cafile": None,
    "etcd-certfile": None,
    "etcd-keyfile": None,
    "etcd-servers": None,
    "kubelet-client-certificate": None,
    "kubelet-client-key": None,
    "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
    "proxy-client-cert-file": None,
    "proxy-client-key-file": None,
    "requestheader-allowed-names": "front-proxy-client",
    "requestheader-client-ca-file": None,
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-uid-headers": "X-Remote-Uid",
    "requestheader-username-headers": "X-Remote-User",
    "runtime-config": "",
    "secure-port": None,
    "service-account-issuer": "https://kubernetes.default.svc.*",
    "service-account-key-file": None,
    "service-account-signing-key-file": None,
    "service-cluster-ip-range": None,
    "tls-cert-file": None,
    "tls-private-key-file": None,
}

_CONTROLLER_MANAGER: Final[Mapping[str, str | None]] = {
    **_KUBECONFIGS,
    "allocate-node-cidrs": None,
    "client-ca-file": None,
    "cluster-cidr": None,
    "cluster-name": None,
    "cluster-signing-cert-file": None,
    "cluster-signing-key-file": None,
    "controllers": "*,bootstrapsigner,tokencleaner",
    "enable-hostpath-provisioner": None,
    "requestheader-client-ca-file": None,
    "root-ca-file": None,
    "service-account-private-key-file": None,
    "service-cluster-ip-range": None,
    "use-service-account-credentials": "true",
}

_ETCD: Final[Mapping[str, str | None]] = {
    "advertise-client-urls": None,
    "cert-file": None,
    "client-cert-auth": "true",
    "data-dir": None,
    "experimental-initial-corrupt-check": "true",
    "experimental-watch-progress-notify-interval": "5s",
    "feature-gates": "InitialCorruptCheck=true",
    "initial-advertise-peer-urls": None,
    "initial-cluster": None,
    "initial-cluster-state": None,
    "key-file": None,
    "listen-client-urls": None,
    "listen-metrics-urls": "http://127.0.0.1:2381",
    "listen-peer-urls": None,
    "name": None,
    "peer-cert-file": None,
    "peer-client-cert-auth": "true",
    "peer-key-file": None,
    "peer-trusted-ca-file": None,
    "snapshot-count": "10000",
    "trusted-ca-file": None,
    "watch-progress-notify-interval": "5s",
}

KUBEADM_FLAGS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "kube-apiserver": _API_SERVER,
    "kube-controller-manager": _CONTROLLER_MANAGER,
    "kube-scheduler": _KUBECONFIGS,
    "etcd": _ETCD,
}

KUBEADM_VOLUMES: Final = frozenset(
    {
        "ca-certs",
        "etc-ca-certificates",
        "etc-pki",
        "etc-pki-ca-trust",
        "etc-pki-tls-certs",
        "etcd-certs",
        "etcd-certs-0",
        "etcd-certs-1",
        "etcd-data",
        "flexvolume-dir",
        "k8s-certs",
        "kubeconfig",
        "usr-local-share-ca-certificates",
        "usr-share-ca-certificates",
    }
)
"""Volumes that kubeadm mounts by itself (phases/controlplane/volumes.go)."""


def is_kubeadms(component: str, flag: str, value: str) -> bool:
    """True if kubeadm writes this flag with this value without being asked."""
    known = KUBEADM_FLAGS.get(component, {})
    if flag not in known:
        return False
    default = known[flag]
    if default is not None and default.endswith("*") and len(default) > 1 and "," not in default:
        return value.startswith(default[:-1])
    return default in (None, value)
