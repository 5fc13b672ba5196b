"""Which files the flags of control-plane components point at.

The kubeadm ConfigMap keeps flags and mounts, never the content of files: a control plane made by Cluster API
needs the files themselves. Flags: Kubernetes 1.31-1.35 `kube-apiserver --help` and so on (command line tools
reference).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from replank.inventory.facts.hosts import StaticPod
from replank.inventory.hosts.static_pods import host_path

KUBEADM_KUBECONFIGS: Final = frozenset(
    f"/etc/kubernetes/{name}.conf"
    for name in ("admin", "super-admin", "controller-manager", "scheduler", "kubelet")
)

# flag -> (purpose, secret). A kubeconfig holds a credential, an encryption configuration holds keys, the
# in-tree cloud configuration holds the OpenStack password.
_CONTENT: Final[Mapping[str, tuple[str, bool]]] = {
    "encryption-provider-config": ("encryption", True),
    "audit-policy-file": ("audit", False),
    "audit-webhook-config-file": ("audit", True),
    "authentication-config": ("authentication", False),
    "authentication-token-webhook-config-file": ("authentication", True),
    "token-auth-file": ("authentication", True),
    "basic-auth-file": ("authentication", True),
    "authorization-config": ("authorization", False),
    "authorization-policy-file": ("authorization", False),
    "authorization-webhook-config-file": ("authorization", True),
    "admission-control-config-file": ("admission", False),
    "oidc-ca-file": ("oidc", False),
    "egress-selector-config-file": ("other", False),
    "tracing-config-file": ("other", False),
    "cloud-config": ("other", True),
    "kubeconfig": ("kubeconfig", True),
    "authentication-kubeconfig": ("kubeconfig", True),
    "authorization-kubeconfig": ("kubeconfig", True),
    "config": ("other", False),
    "config-file": ("other", False),
    "policy-config-file": ("other", False),
}
# flag -> secret: certificates and keys, which matter here only outside the PKI directories.
_PKI: Final[Mapping[str, bool]] = {
    "client-ca-file": False,
    "tls-cert-file": False,
    "tls-private-key-file": True,
    "tls-sni-cert-key": True,
    "etcd-cafile": False,
    "etcd-certfile": False,
    "etcd-keyfile": True,
    "kubelet-certificate-authority": False,
    "kubelet-client-certificate": False,
    "kubelet-client-key": True,
    "proxy-client-cert-file": False,
    "proxy-client-key-file": True,
    "requestheader-client-ca-file": False,
    "service-account-key-file": False,
    "service-account-signing-key-file": True,
    "service-account-private-key-file": True,
    "cluster-signing-cert-file": False,
    "cluster-signing-key-file": True,
    "root-ca-file": False,
    "peer-ca-file": False,
    "cert-file": False,
    "key-file": True,
    "trusted-ca-file": False,
    "peer-cert-file": False,
    "peer-key-file": True,
    "peer-trusted-ca-file": False,
}


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A flag that points at a file. `path`: on the host. `secret`: never read or hashed."""

    component: str
    flag: str
    path: str
    purpose: str
    secret: bool


def file_references(pods: Iterable[StaticPod], *, pki_dirs: Iterable[str]) -> tuple[Reference, ...]:
    """The files behind flags of `pods`, sorted, each once.

    Left out: certificates and keys inside `pki_dirs`, and kubeadm's own kubeconfigs. An encryption or audit
    file inside a PKI directory is kept: Kubespray puts its encryption file there. Paths are translated from
    the container to the host by the pod's mounts.
    """
    dirs = tuple(pki_dirs)
    found = {reference for pod in pods for reference in _of_pod(pod, dirs)}
    return tuple(sorted(found))


def _of_pod(pod: StaticPod, pki_dirs: tuple[str, ...]) -> Iterable[Reference]:
    for arg in pod.args:
        if arg.name in _CONTENT:
            purpose, secret = _CONTENT[arg.name]
            paths = [arg.value]
        elif arg.name in _PKI:
            purpose, secret = "other", _PKI[arg.name]
            # --tls-sni-cert-key=cert,key[:domains]
            paths = arg.value.partition(":")[0].split(",") if arg.name == "tls-sni-cert-key" else [arg.value]
        else:
            continue
        for path in paths:
            on_host = host_path(pod, path)
            if not path.startswith("/") or on_host in KUBEADM_KUBECONFIGS:
                continue
            if arg.name in _PKI and _inside(on_host, pki_dirs):
                continue
            yield Reference(pod.component, arg.name, on_host, purpose, secret)


def _inside(path: str, dirs: tuple[str, ...]) -> bool:
    return any(PurePosixPath(path).is_relative_to(directory) for directory in dirs)
