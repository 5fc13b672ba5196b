"""A cluster as Kubespray leaves it: its playbooks here, its inventory, its variables.

Facts: kubernetes-sigs/kubespray at 46dbdd399, roles/kubespray_defaults and the defaults of roles etcd,
kubernetes/node and kubernetes/control-plane.
"""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from proving_ground.images import api_proxy
from proving_ground.images.versions import component, kubeadm_images
from proving_ground.legacy import ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.settings import HERE, Folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary

PLAYBOOKS = HERE / "legacy" / "ansible-kubespray"
PLAYBOOK = "cluster.yml"
INVENTORY = Path("inventory")
SHARED_ROLES = ("base", "containerd", "addons")
"""Roles of the plain layout that this one has too."""

TOOLCHAIN = (tofu.PROVIDER_GROUPS["kubespray"], api_proxy.GROUP, "etcd")
"""Toolchain groups that the layout needs, whether `ground-up` builds them or not."""

_DNS_SERVER = 3
"""Kubespray's `skydns_server` is the third address of the services."""


def ensure_toolchain(folders: Folders, progress: Progress) -> None:
    """Builds what is missing of `TOOLCHAIN`; all of it takes 80 s of two cores."""
    for name in TOOLCHAIN:
        if not build.is_built(folders, name):
            with progress.step(f"toolchain {name}"):
                build.build(folders, name)


def copy_playbooks(plain: Path, place: Path) -> None:
    """Our playbooks and the shared roles of `plain` into `place`."""
    for role in SHARED_ROLES:
        shutil.copytree(plain / "roles" / role, place / "roles" / role, dirs_exist_ok=True)
    shutil.copytree(PLAYBOOKS, place, dirs_exist_ok=True)


def inventory(cluster: LegacyCluster, machines: tofu.Machines, known_hosts: Path, folders: Folders) -> str:
    """inventory/hosts.yaml, as Kubespray's users write it."""
    groups = {group.name: group for group in cluster.worker_groups}
    hosts: dict[str, dict[str, object]] = {}
    for number, machine in enumerate(machines.control_planes, 1):
        hosts[machine.name] = {**_addresses(machine), "etcd_member_name": f"etcd{number}"}
    for machine in machines.workers:
        hosts[machine.name] = {**_addresses(machine), "worker_group": machine.group}
        if taint := groups[machine.group].taint:
            hosts[machine.name]["taint"] = taint
    control_planes = {machine.name: None for machine in machines.control_planes}
    document = {
        "all": {
            "hosts": hosts,
            "vars": {
                "ansible_user": ssh.USER,
                "ansible_ssh_common_args": " ".join(ssh.options(folders, known_hosts)),
            },
            "children": {
                "kube_control_plane": {"hosts": control_planes},
                "kube_node": {"hosts": {machine.name: None for machine in machines.workers}},
                "etcd": {"hosts": dict(control_planes)},
                "k8s_cluster": {"children": {"kube_control_plane": None, "kube_node": None}},
            },
        }
    }
    return yaml.safe_dump(document, sort_keys=False)


def variables(
    folders: Folders, cluster: LegacyCluster, machines: tofu.Machines, plain: Mapping[str, object]
) -> dict[str, object]:
    """inventory/group_vars/all.yml, from that of the plain layout."""
    documents = {
        found["kind"]: found for found in yaml.safe_load_all(str(plain["component_configs"])) if found
    }
    addon_manifests = plain["addon_manifests"]
    assert isinstance(addon_manifests, list)
    return {
        **plain,
        "api_name": "",
        "cri_socket": "unix:///var/run/containerd/containerd.sock",
        "kube_cert_dir": "/etc/kubernetes/ssl",
        "etcd_cert_dir": "/etc/ssl/etcd/ssl",
        "etcd_program": str(binary(folders, "etcd", "etcd")),
        "localhost_proxy": not cluster.load_balancer,
        "proxy_archive": str(api_proxy.archive(folders)),
        "proxy_image": api_proxy.REFERENCE,
        "dns_address": dns_address(cluster),
        "coredns_image": coredns_image(folders, cluster),
        "api_server_names": api_server_names(cluster, machines),
        "kubelet_configuration": documents["KubeletConfiguration"],
        "kube_proxy_configuration": documents["KubeProxyConfiguration"],
        "addons_folder": "/etc/kubernetes/addons",
        "addon_manifests": [*manifests(folders, cluster), *addon_manifests],
        "workers": [machine.name for machine in machines.workers],
    }


def manifests(folders: Folders, cluster: LegacyCluster) -> Mapping[str, Mapping[str, object]]:
    """Templates of manifests that this layout has more, with their values."""
    return {
        "coredns.yaml": {"image": coredns_image(folders, cluster), "address": dns_address(cluster)},
    }


def dns_address(cluster: LegacyCluster) -> str:
    """The Service of CoreDNS."""
    return str(ipaddress.ip_network(cluster.service_cidr)[_DNS_SERVER])


def coredns_image(folders: Folders, cluster: LegacyCluster) -> str:
    """The one that kubeadm would take: it is on the machines."""
    found = kubeadm_images(folders, cluster.kubernetes)
    return next(name for name in found if component(name) == "coredns")


def api_server_names(cluster: LegacyCluster, machines: tofu.Machines) -> list[str]:
    """`apiserver_sans` of Kubespray's kubeadm-setup.yml."""
    names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        str(ipaddress.ip_network(cluster.service_cidr)[1]),
        "localhost",
        "127.0.0.1",
        "::1",
        machines.api_address,
        *cluster.traits.extra_sans,
        *(machine.address for machine in machines.control_planes),
        *(machine.name for machine in machines.control_planes),
    ]
    return list(dict.fromkeys(names))


def _addresses(machine: tofu.Machine) -> dict[str, object]:
    return {"ansible_host": machine.address, "ip": machine.address, "access_ip": machine.address}
