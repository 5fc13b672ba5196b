"""The machines of a cluster: files, packages and what their commands answer."""

from __future__ import annotations

import json
from datetime import UTC

from replank.inventory.hosts import commands
from replank.testbed.fleet.cloud.servers import user_data
from replank.testbed.fleet.components import (
    AUDIT_FILE,
    COMPONENTS,
    ENCRYPTION_FILE,
    OIDC_FILE,
    PKI,
    etcd_version,
)
from replank.testbed.fleet.hosts.cluster_pki import ClusterPki, kubeconfigs, pki_files
from replank.testbed.fleet.hosts.runtime import add_runtime
from replank.testbed.fleet.kubelet import command_line, kubeadm_flags, kubelet_configuration, runtime_endpoint
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.fleet.pki import AGE, Authority, ssh_key
from replank.testbed.fleet.static_pods import manifest
from replank.testbed.fleet.yaml_text import to_yaml
from replank.testbed.world import Document, FileEntry, Machine

KUBELET_PID = 873
_OS_RELEASE = (
    'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\n'
    'VERSION="24.04.3 LTS (Noble Numbat)"\n'
    "VERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n"
)
_DROP_IN = """# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS \
$KUBELET_EXTRA_ARGS
"""
_AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"


def make_machines(layout: ClusterLayout, pki: ClusterPki) -> list[Machine]:
    """One for each machine of the layout, in its order."""
    shared = _referenced_files(layout)
    return [_machine(layout, pki, machine, shared) for machine in layout.machines]


def members_document(layout: ClusterLayout) -> Document:
    """etcd's member list as its gateway answers it."""
    return {
        "header": {"cluster_id": str(layout.mint.number("etcd", layout.name, below=2**63))},
        "members": [
            {
                "ID": str(member_id(layout, machine)),
                "name": machine.name,
                "peerURLs": [f"https://{machine.address}:2380"],
                "clientURLs": [f"https://{machine.address}:2379"],
            }
            for machine in layout.control_planes
        ],
    }


def member_id(layout: ClusterLayout, machine: MachineLayout) -> int:
    """The ID of a machine's etcd member."""
    return layout.mint.number("etcd-member", layout.name, machine.name, below=2**63) + 1


def etcd_lines() -> tuple[str, str]:
    """The command lines by which a survey asks a kubeadm control plane's etcd for members and status."""
    access = {
        "ca": f"{PKI}/etcd/ca.crt",
        "cert": f"{PKI}/apiserver-etcd-client.crt",
        "key": f"{PKI}/apiserver-etcd-client.key",
        "url": "https://127.0.0.1:2379",
    }
    return commands.ETCD_MEMBERS.call(**access).line, commands.ETCD_STATUS.call(**access).line


def _machine(
    layout: ClusterLayout, pki: ClusterPki, machine: MachineLayout, shared: dict[str, FileEntry]
) -> Machine:
    version = layout.spec.version.removeprefix("v")
    answers = {
        commands.HOSTNAME.call().line: f"{machine.name}\n",
    }
    files = _common_files(layout, machine)
    texts = kubeconfigs(layout, pki, machine)
    if machine.control_plane:
        texts |= pki_files(layout, pki, machine)
        for component in COMPONENTS:
            path = f"/etc/kubernetes/manifests/{component}.yaml"
            texts[path] = to_yaml(manifest(layout, machine, component))
        members, status = etcd_lines()
        answers[members] = json.dumps(members_document(layout))
        answers[status] = json.dumps(_status(layout, machine))
        files |= shared
        if layout.spec.load_balancer == "keepalived" and machine.index == 0:
            answers[commands.ADDRESSES.call().line] = _addresses(layout, machine)
    else:
        texts[f"{PKI}/ca.crt"] = pki.ca.pair.cert
    files |= {
        path: FileEntry(text.encode(), "0644" if path.endswith((".crt", ".pub")) else "0600")
        for path, text in texts.items()
    }
    packages = {
        "kubeadm": f"{version}-1.1",
        "kubectl": f"{version}-1.1",
        "kubelet": f"{version}-1.1",
        "openssh-server": "1:9.6p1-3ubuntu13.13",
    }
    units = {"kubelet.service": "enabled", "containerd.service": "enabled", "ssh.service": "enabled"}
    if layout.spec.load_balancer == "keepalived" and machine.control_plane:
        packages["keepalived"] = "1:2.2.8-1build2"
        units["keepalived.service"] = "enabled"
    made = Machine(
        server_name=machine.name,
        server_id=machine.server_id,
        host_key=ssh_key(layout.mint, "host", layout.name, machine.name).key,
        files=files,
        packages=packages,
        held=("containerd.io", "kubeadm", "kubectl", "kubelet"),
        units=units,
        commands=answers,
        address=machine.address,
    )
    add_runtime(layout, machine, made)
    return made


def _common_files(layout: ClusterLayout, machine: MachineLayout) -> dict[str, FileEntry]:
    flags = " ".join(f"--{name}={value}" for name, value in kubeadm_flags(layout, machine).items())
    booted = int((layout.now - AGE).replace(tzinfo=UTC).timestamp())
    built = booted - 86400 * 20
    data = user_data(layout, machine).encode()
    files = {
        "/etc/os-release": FileEntry(_OS_RELEASE.encode()),
        "/sys/class/dmi/id/product_uuid": FileEntry(f"{machine.server_id}\n".encode(), "0400"),
        "/etc/machine-id": FileEntry(f"{layout.machine_id(machine)}\n".encode(), "0444"),
        f"/proc/{KUBELET_PID}/cmdline": FileEntry(command_line(layout, machine), "0444"),
        "/var/lib/kubelet/config.yaml": FileEntry(to_yaml(kubelet_configuration(layout, machine)).encode()),
        "/var/lib/kubelet/kubeadm-flags.env": FileEntry(f'KUBELET_KUBEADM_ARGS="{flags}"\n'.encode()),
        "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": FileEntry(
            _DROP_IN.encode(), package="kubeadm"
        ),
        "/etc/cron.d/e2scrub_all": FileEntry(b"30 3 * * 0 root /sbin/e2scrub_all\n", package="e2fsprogs"),
        "/var/lib/cloud/instance/user-data.txt": FileEntry(data, "0600"),
        "/etc/ssh/ssh_host_ed25519_key.pub": FileEntry(
            ssh_key(layout.mint, "host", layout.name, machine.name).cert.encode(), modified=booted
        ),
        "/var/lib/dpkg/info/kubelet.list": FileEntry(b"/usr/bin/kubelet\n", modified=built),
        "/usr/bin/kubelet": FileEntry(b"", "0755", package="kubelet", modified=built, born=built),
        "/var/lib/cloud/instance/boot-finished": FileEntry(b"", modified=booted + 40),
        "/var/log/dpkg.log": FileEntry(b""),
        "/var/lib/kubelet/pki/kubelet-client-current.pem": FileEntry(b"", "0600"),
    }
    if layout.minor >= 34:
        text = f'containerRuntimeEndpoint: "{runtime_endpoint(machine)}"\n'
        files["/var/lib/kubelet/instance-config.yaml"] = FileEntry(text.encode())
    return files


def _referenced_files(layout: ClusterLayout) -> dict[str, FileEntry]:
    """Files that API server flags point at, alike on every control plane."""
    files = {}
    if layout.spec.audit_policy:
        files[AUDIT_FILE] = FileEntry(_AUDIT_POLICY.encode(), "0600")
    if layout.spec.encryption:
        key = layout.secret("encryption-key")
        provider = {"secretbox": {"keys": [{"name": "key1", "secret": key}]}}
        document = {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": [provider, {"identity": {}}]}],
        }
        files[ENCRYPTION_FILE] = FileEntry(to_yaml(document).encode(), "0600")
    if layout.spec.oidc:
        authority = Authority(layout.mint, layout.now, "login.example.org CA", layout.name, "oidc")
        files[OIDC_FILE] = FileEntry(authority.pair.cert.encode())
    return files


def _status(layout: ClusterLayout, machine: MachineLayout) -> Document:
    own, leader = member_id(layout, machine), member_id(layout, layout.control_planes[0])
    return {
        "header": {"member_id": str(own), "revision": "4812345", "raft_term": "7"},
        "version": etcd_version(layout),
        "dbSize": "48123904",
        "dbSizeInUse": "31002624",
        "leader": str(leader),
        "raftIndex": "5312345",
        "raftTerm": "7",
    }


def _addresses(layout: ClusterLayout, machine: MachineLayout) -> str:
    """`ip -o addr show` on the control plane that holds the virtual address now."""
    return (
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n"
        f"2: ens3    inet {machine.address}/24 metric 100 brd {layout.host(255)} scope global dynamic ens3\\"
        "       valid_lft 71000sec preferred_lft 71000sec\n"
        f"2: ens3    inet {layout.vip}/32 scope global ens3\\       valid_lft forever preferred_lft forever\n"
    )
