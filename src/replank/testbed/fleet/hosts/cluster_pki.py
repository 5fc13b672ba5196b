"""The cluster's authorities and the certificates that kubeadm puts on each control plane.

Names, subjects and SANs: kubernetes 1.34 cmd/kubeadm/app/phases/certs/certlist.go, util/pkiutil.
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from datetime import datetime

from replank.testbed.fleet.components import PKI, api_sans
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.fleet.pki import Authority, KeyPair, ec_key, private_pem, public_pem
from replank.testbed.fleet.yaml_text import to_yaml

_ADMINS = "kubeadm:cluster-admins"


@dataclass(frozen=True, slots=True)
class ClusterPki:
    """Authorities and the service-account key pair."""

    ca: Authority
    front_proxy: Authority
    etcd: Authority
    service_account: KeyPair


def make_pki(layout: ClusterLayout) -> ClusterPki:
    """The cluster's PKI."""
    mint, now, name = layout.mint, layout.now, layout.name
    signer = ec_key(mint, "service-account", name)
    return ClusterPki(
        ca=Authority(mint, now, "kubernetes", name),
        front_proxy=Authority(mint, now, "front-proxy-ca", name),
        etcd=Authority(mint, now, "etcd-ca", name),
        service_account=KeyPair(cert=public_pem(signer), key=private_pem(mint, signer)),
    )


def api_server_certificate(
    layout: ClusterLayout, pki: ClusterPki, machine: MachineLayout, *, not_after: datetime | None = None
) -> KeyPair:
    """The serving certificate of one API server."""
    first = str(ipaddress.ip_network(layout.spec.service_cidr)[1])
    sans = [
        machine.name,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        first,
        machine.address,
        *api_sans(layout),
    ]
    return pki.ca.issue(
        "kube-apiserver", machine.name, sans=list(dict.fromkeys(sans)), server=True, not_after=not_after
    )


def pki_files(layout: ClusterLayout, pki: ClusterPki, machine: MachineLayout) -> dict[str, str]:
    """Path -> text of everything under /etc/kubernetes/pki of one control plane."""
    name = machine.name
    etcd_sans = [name, "localhost", machine.address, "127.0.0.1", "::1"]
    pairs = {
        "ca": pki.ca.pair,
        "front-proxy-ca": pki.front_proxy.pair,
        "etcd/ca": pki.etcd.pair,
        "apiserver": api_server_certificate(layout, pki, machine),
        "apiserver-kubelet-client": pki.ca.issue(
            "kube-apiserver-kubelet-client", name, organization=_ADMINS, client=True
        ),
        "apiserver-etcd-client": pki.etcd.issue("kube-apiserver-etcd-client", name, client=True),
        "front-proxy-client": pki.front_proxy.issue("front-proxy-client", name, client=True),
        "etcd/server": pki.etcd.issue(name, "server", sans=etcd_sans, server=True, client=True),
        "etcd/peer": pki.etcd.issue(name, "peer", sans=etcd_sans, server=True, client=True),
        "etcd/healthcheck-client": pki.etcd.issue("kube-etcd-healthcheck-client", name, client=True),
    }
    files = {f"{PKI}/{path}.crt": pair.cert for path, pair in pairs.items()}
    files |= {f"{PKI}/{path}.key": pair.key for path, pair in pairs.items()}
    return files | {f"{PKI}/sa.pub": pki.service_account.cert, f"{PKI}/sa.key": pki.service_account.key}


def kubeconfigs(layout: ClusterLayout, pki: ClusterPki, machine: MachineLayout) -> dict[str, str]:
    """Path -> text of kubeadm's kubeconfigs on a machine; workers have kubelet.conf alone."""
    local = f"https://{machine.address}:6443"
    users = {
        "admin": ("kubernetes-admin", _ADMINS, f"https://{layout.endpoint}"),
        "controller-manager": ("system:kube-controller-manager", "", local),
        "scheduler": ("system:kube-scheduler", "", local),
    }
    if machine.index == 0:
        users["super-admin"] = ("kubernetes-super-admin", "system:masters", f"https://{layout.endpoint}")
    found = {}
    if machine.control_plane:
        for file, (user, group, server) in users.items():
            pair = pki.ca.issue(user, machine.name, organization=group, client=True)
            data = {
                "client-certificate-data": _base64(pair.cert),
                "client-key-data": _base64(pair.key),
            }
            found[f"/etc/kubernetes/{file}.conf"] = kubeconfig(server, pki.ca.pair.cert, user, data)
    # The kubelet's certificate rotates in a file of its own.
    current = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    user = f"system:node:{machine.name}"
    data = {"client-certificate": current, "client-key": current}
    server = local if machine.control_plane else f"https://{layout.endpoint}"
    found["/etc/kubernetes/kubelet.conf"] = kubeconfig(server, pki.ca.pair.cert, user, data)
    return found


def kubeconfig(server: str, ca_cert: str, user: str, user_data: dict[str, str]) -> str:
    """A kubeconfig with one context, named as kubeadm names it."""
    context = f"{user}@kubernetes"
    cluster = {"certificate-authority-data": _base64(ca_cert), "server": server}
    return to_yaml(
        {
            "apiVersion": "v1",
            "clusters": [{"cluster": cluster, "name": "kubernetes"}],
            "contexts": [{"context": {"cluster": "kubernetes", "user": user}, "name": context}],
            "current-context": context,
            "kind": "Config",
            "preferences": {},
            "users": [{"name": user, "user": user_data}],
        }
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
