"""Twin machines for the tests of this folder, with certificates and keys made once a session."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from replank.inventory.hosts import commands
from replank.testbed.world import FileEntry, Machine

FIXTURES = Path(__file__).parent / "fixtures"
ADDRESS = "10.0.0.11"
SECRETS = (
    "planted-env-value-7f3a",
    "planted-header-token-55e1",
    "planted-encryption-key-c01d",
    "planted-user-data-0b7e",
    "planted-arg-91bc",
    "planted-cron-3d2f",
    "PRIVATE KEY",
)
PRIVATE = b"-----BEGIN PRIVATE KEY-----\ncGxhbnRlZA==\n-----END PRIVATE KEY-----\n"
ETCD = {
    "ca": "/etc/kubernetes/pki/etcd/ca.crt",
    "cert": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
    "key": "/etc/kubernetes/pki/apiserver-etcd-client.key",
    "url": "https://127.0.0.1:2379",
}
MEMBERS = {
    "header": {"cluster_id": "14841639068965178418", "member_id": "10276657743932975437"},
    "members": [
        {
            "ID": "10276657743932975437",
            "name": "cp-1",
            "peerURLs": ["https://10.0.0.11:2380"],
            "clientURLs": ["https://10.0.0.11:2379"],
        }
    ],
}
STATUS = {"version": "3.6.5", "dbSize": "20480", "leader": "10276657743932975437", "raftTerm": "2"}


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def ssh_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()


@cache
def certificate(name: str = "kube-apiserver", *, ca: bool = False) -> str:
    """A self-signed PEM certificate, valid 2026-2036."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2026, 1, 1))
        .not_valid_after(datetime.datetime(2036, 1, 1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("kubernetes.default"),
                    x509.DNSName("api.example"),
                    x509.IPAddress(ipaddress.ip_address("10.0.0.11")),
                ]
            ),
            critical=False,
        )
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def kubeconfig(server: str) -> bytes:
    data = base64.b64encode(certificate("kubernetes-admin").encode()).decode()
    return (
        f"apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    certificate-authority-data: eA==\n"
        f"    server: {server}\n  name: kubernetes\nusers:\n- name: admin\n  user:\n"
        f"    client-certificate-data: {data}\n    client-key-data: {base64.b64encode(PRIVATE).decode()}\n"
    ).encode()


def kubeadm_machine() -> Machine:
    """A control plane made by kubeadm 1.34 on Ubuntu, with audit and encryption files and leftovers."""
    files: dict[str, FileEntry] = {
        "/etc/os-release": FileEntry(content=b'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nNAME="Ubuntu"\n'),
        "/sys/class/dmi/id/product_uuid": FileEntry(
            content=b"8D9E8C5A-3B1F-4A6E-9C7D-2E5F6A7B8C9D\n", mode="0400"
        ),
        "/etc/machine-id": FileEntry(content=b"0f7ac2b2a0c94b0c9a3f5f0f6f1f7e11\n", mode="0444"),
        "/proc/812/cmdline": FileEntry(
            content=b"\0".join(
                [
                    b"/usr/bin/kubelet",
                    b"--kubeconfig=/etc/kubernetes/kubelet.conf",
                    b"--config=/var/lib/kubelet/config.yaml",
                    b"--node-labels=pool=a b",
                    b"",
                ]
            )
        ),
        "/var/lib/kubelet/config.yaml": entry(fixture("kubeadm/kubelet-config.yaml")),
        "/var/lib/kubelet/instance-config.yaml": entry(
            'containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock"\n'
        ),
        "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": FileEntry(
            content=b"[Service]\n", package="kubeadm"
        ),
        "/etc/kubernetes/kubelet.conf": entry(kubeconfig("https://10.0.0.5:6443")),
        "/etc/kubernetes/admin.conf": entry(kubeconfig("https://10.0.0.5:6443")),
        "/etc/kubernetes/controller-manager.conf": entry(kubeconfig("https://10.0.0.11:6443")),
        "/etc/kubernetes/scheduler.conf": entry(kubeconfig("https://10.0.0.11:6443")),
        "/etc/kubernetes/enc/enc.yaml": entry("secret: planted-encryption-key-c01d\n"),
        "/opt/kubernetes/audit/policy.yaml": FileEntry(content=b"kind: Policy\n"),
        "/etc/cron.d/backup it's": FileEntry(content=b"* * * * * root TOKEN=planted-cron-3d2f backup\n"),
        "/etc/cron.d/e2scrub_all": FileEntry(content=b"", package="e2fsprogs"),
        "/etc/systemd/system/node-tuning.service": FileEntry(content=b"[Unit]\n"),
        "/etc/systemd/system/snap.lxd.daemon.service": FileEntry(content=b"[Unit]\n"),
        "/var/lib/cloud/instance/user-data.txt": entry(
            "#cloud-config\npassword: planted-user-data-0b7e\nruncmd: [kubeadm join]\n"
        ),
    }
    for component in commands.COMPONENTS:
        files[f"/etc/kubernetes/manifests/{component}.yaml"] = entry(fixture(f"kubeadm/{component}.yaml"))
    for name in commands.KUBEADM_CERTIFICATES:
        path = f"/etc/kubernetes/pki/{name}"
        files[path] = FileEntry(content=certificate(name, ca=name.endswith("ca.crt")).encode())
        files[path.replace(".crt", ".key")] = FileEntry(content=PRIVATE, mode="0600")
    files["/etc/kubernetes/pki/sa.pub"] = entry("public\n")
    files["/etc/kubernetes/pki/sa.key"] = FileEntry(content=PRIVATE, mode="0600")
    return Machine(
        server_name="cp-1",
        server_id="8d9e8c5a-3b1f-4a6e-9c7d-2e5f6a7b8c9d",
        host_key=ssh_key(),
        files=files,
        packages={"kubelet": "1.34.4-1.1", "kubeadm": "1.34.4-1.1", "containerd": "1.7.24", "bash": "5.2"},
        held=("kubelet", "kubeadm"),
        commands={
            commands.ETCD_MEMBERS.call(**ETCD).line: json.dumps(MEMBERS),
            commands.ETCD_STATUS.call(**ETCD).line: json.dumps(STATUS),
            commands.CONTAINERD.call().line: "containerd github.com/containerd/containerd v1.7.24 88bf19b\n",
        },
    )


def kubespray_machine() -> Machine:
    """A control plane made by Kubespray with etcd on the host, on an rpm system, its kubelet stopped."""
    etcd = {
        "ca": "/etc/ssl/etcd/ssl/ca.pem",
        "cert": "/etc/ssl/etcd/ssl/node-node1.pem",
        "key": "/etc/ssl/etcd/ssl/node-node1-key.pem",
    }
    members = {
        "members": [
            {"ID": str(5 + n), "name": f"etcd{n}", "peerURLs": [], "clientURLs": []} for n in (3, 1, 2)
        ]
    }
    second = {**etcd, "url": "https://10.0.1.22:2379"}
    return Machine(
        server_name="k8s-master-1",
        server_id="1",
        host_key=ssh_key(),
        files={
            "/etc/os-release": FileEntry(content=b'NAME="Rocky Linux"\nVERSION_ID="9.4"\n'),
            "/sys/class/dmi/id/product_uuid": FileEntry(content=b"1\n", mode="0400"),
            "/etc/kubernetes/manifests/kube-apiserver.yaml": entry(fixture("kubespray/kube-apiserver.yaml")),
            "/etc/kubernetes/manifests/kube-vip.yml": entry(fixture("kubespray/kube-vip.yaml")),
            "/etc/kubernetes/kubelet.env": entry(fixture("kubespray/kubelet.env")),
            "/etc/kubernetes/kubelet-config.yaml": entry(fixture("kubespray/kubelet-config.yaml")),
            "/etc/kubernetes/kubelet.conf": entry(kubeconfig("https://localhost:6443")),
            "/etc/kubernetes/ssl/ca.crt": entry(certificate("kubernetes", ca=True)),
            "/etc/kubernetes/ssl/ca.key": entry(PRIVATE),
            "/etc/kubernetes/ssl/secrets_encryption.yaml": entry("planted-encryption-key-c01d"),
            "/etc/ssl/etcd/ssl/ca.pem": entry(certificate("etcd-ca", ca=True)),
            "/etc/ssl/etcd/ssl/node-node1.pem": entry(certificate("node1").encode() + PRIVATE),
            "/etc/ssl/etcd/ssl/node-node1-key.pem": entry(PRIVATE),
            "/etc/dnf/plugins/versionlock.list": FileEntry(content=b"containerd.io-0:1.7.24-3.1.el9.*\n"),
        },
        commands={
            commands.RPM.call().line: (
                "containerd.io\t1.7.24-3.1.el9\nbash\t5.1-9.el9\nkeepalived\t2.2.8-3.el9\n"
            ),
            commands.ADDRESSES.call().line: fixture("kubespray/ip-addr.txt"),
            commands.ETCD_MEMBERS.call(**second).line: json.dumps(members),
            commands.ETCD_STATUS.call(**second).line: json.dumps(STATUS),
            commands.CONTAINERD.call().line: "containerd github.com/containerd/containerd/v2 v2.0.1 88b\n",
        },
    )


def entry(content: str | bytes) -> FileEntry:
    """A file for root alone."""
    return FileEntry(content=content.encode() if isinstance(content, str) else content, mode="0600")
