"""What kubeadm leaves in the API: its ConfigMaps, the signed cluster-info, RBAC for joining, a token.

Sources: kubernetes 1.34 cmd/kubeadm/app/phases/{uploadconfig,bootstraptoken,kubelet,addons}, constants.go.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from replank.testbed.fleet.components import cluster_configuration
from replank.testbed.fleet.kube.objects import make
from replank.testbed.fleet.kubelet import kubelet_configuration
from replank.testbed.fleet.layout import ClusterLayout
from replank.testbed.fleet.yaml_text import to_yaml
from replank.testbed.world import Document

_RBAC = "rbac.authorization.k8s.io/v1"
_TOKEN_GROUP = "system:bootstrappers:kubeadm:default-node-token"  # noqa: S105 a group's name
_APPROVERS = "system:certificates.k8s.io:certificatesigningrequests"
# ClusterRoleBinding -> (ClusterRole, kind of the subject, its name)
_CLUSTER_BINDINGS = {
    "kubeadm:kubelet-bootstrap": ("system:node-bootstrapper", "Group", _TOKEN_GROUP),
    "kubeadm:get-nodes": ("kubeadm:get-nodes", "Group", _TOKEN_GROUP),
    "kubeadm:node-autoapprove-bootstrap": (f"{_APPROVERS}:nodeclient", "Group", _TOKEN_GROUP),
    "kubeadm:node-autoapprove-certificate-rotation": (
        f"{_APPROVERS}:selfnodeclient",
        "Group",
        "system:nodes",
    ),
    "kubeadm:cluster-admins": ("cluster-admin", "Group", "kubeadm:cluster-admins"),
    "kubeadm:node-proxier": ("system:node-proxier", "ServiceAccount", "kube-proxy"),
    "system:coredns": ("system:coredns", "ServiceAccount", "coredns"),
}
# Namespace -> RoleBinding -> groups or users
_BINDINGS: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "kube-system": {
        "kubeadm:nodes-kubeadm-config": (("Group", _TOKEN_GROUP), ("Group", "system:nodes")),
        "kubeadm:kubelet-config": (("Group", "system:nodes"), ("Group", _TOKEN_GROUP)),
        "kube-proxy": (("Group", _TOKEN_GROUP),),
    },
    "kube-public": {
        "kubeadm:bootstrap-signer-clusterinfo": (("User", "system:anonymous"),),
        "system:controller:bootstrap-signer": (("ServiceAccount", "bootstrap-signer"),),
    },
}


def kubeadm_objects(layout: ClusterLayout, ca_cert: str) -> list[Document]:
    """ConfigMaps, RBAC and the bootstrap token. `ca_cert`: PEM of the cluster CA."""
    return [
        _config_map(
            layout,
            "kube-system",
            "kubeadm-config",
            {"ClusterConfiguration": to_yaml(cluster_configuration(layout))},
        ),
        _config_map(
            layout,
            "kube-system",
            "kubelet-config",
            {"kubelet": to_yaml(kubelet_configuration(layout, None))},
        ),
        _cluster_info(layout, ca_cert),
        _bootstrap_token(layout),
        *_rbac(layout),
    ]


def _config_map(layout: ClusterLayout, namespace: str, name: str, data: dict[str, str]) -> Document:
    return make(layout, "v1", "ConfigMap", name, namespace=namespace, data=data)


def _cluster_info(layout: ClusterLayout, ca_cert: str) -> Document:
    """kube-public/cluster-info, signed for the bootstrap token (a detached JWS as client-go makes it)."""
    kubeconfig = to_yaml(
        {
            "apiVersion": "v1",
            "clusters": [
                {
                    "cluster": {
                        "certificate-authority-data": base64.b64encode(ca_cert.encode()).decode(),
                        "server": f"https://{layout.endpoint}",
                    },
                    "name": "",
                }
            ],
            "contexts": None,
            "current-context": "",
            "kind": "Config",
            "preferences": {},
            "users": None,
        }
    )
    token_id, token = layout.mint.bootstrap_token("cluster", layout.name)
    header = _base64url(f'{{"alg":"HS256","kid":"{token_id}"}}'.encode())
    signed = f"{header}.{_base64url(kubeconfig.encode())}".encode()
    signature = _base64url(hmac.new(f"{token_id}.{token}".encode(), signed, hashlib.sha256).digest())
    data = {"kubeconfig": kubeconfig, f"jws-kubeconfig-{token_id}": f"{header}..{signature}"}
    return _config_map(layout, "kube-public", "cluster-info", data)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bootstrap_token(layout: ClusterLayout) -> Document:
    token_id, token = layout.mint.bootstrap_token("cluster", layout.name)
    plain = {
        "auth-extra-groups": _TOKEN_GROUP,
        "token-id": token_id,
        "token-secret": token,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
    }
    data = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    return make(
        layout,
        "v1",
        "Secret",
        f"bootstrap-token-{token_id}",
        namespace="kube-system",
        type="bootstrap.kubernetes.io/token",
        data=data,
    )


def _rbac(layout: ClusterLayout) -> list[Document]:
    found = [
        make(
            layout,
            _RBAC,
            "ClusterRole",
            "kubeadm:get-nodes",
            rules=[{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
        )
    ]
    for name, (role, kind, subject) in _CLUSTER_BINDINGS.items():
        found.append(
            make(
                layout,
                _RBAC,
                "ClusterRoleBinding",
                name,
                roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                subjects=[_subject(kind, subject)],
            )
        )
    for namespace, bindings in _BINDINGS.items():
        for name, subjects in bindings.items():
            found.append(
                make(
                    layout,
                    _RBAC,
                    "RoleBinding",
                    name,
                    namespace=namespace,
                    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                    subjects=[_subject(kind, subject) for kind, subject in subjects],
                )
            )
    return found


def _subject(kind: str, name: str) -> Document:
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": "kube-system"}
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
