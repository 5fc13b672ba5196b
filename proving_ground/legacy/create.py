"""A legacy cluster, made the legacy way: machines by OpenTofu, everything on them by Ansible."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml

from proving_ground import images
from proving_ground.errors import GroundError
from proving_ground.legacy import kubespray, ssh, tofu
from proving_ground.legacy.layout import Layout, LegacyCluster, Runtime
from proving_ground.progress import Progress
from proving_ground.settings import HERE, Folders

PLAYBOOKS = HERE / "legacy" / "ansible"
PLAYBOOK_OF: Mapping[Layout, str] = {"plain": "site.yml", "kubespray": kubespray.PLAYBOOK}
MANIFESTS = HERE / "legacy" / "manifests"
TEMPLATES = HERE / "legacy" / "templates"
CRI_SOCKETS: Mapping[Runtime, str] = {
    "containerd": "unix:///run/containerd/containerd.sock",
    "docker": "/var/run/dockershim.sock",
}
"""What kubeadm is told. Docker's is the kubelet's own socket, and how kubeadm knows Docker (1.23,
cmd/kubeadm/app/constants/constants_unix.go)."""


def create(folders: Folders, cluster: LegacyCluster, progress: Progress) -> tofu.Machines:
    """Makes the cluster and waits until every Node is Ready. Run again, both tools go on where they stopped.

    Leaves in `folders.cluster(name)`: `tf/` with the state, `ansible/` with inventory and playbooks,
    `kubeconfig`, `known_hosts`.
    """
    if cluster.layout == "kubespray":
        kubespray.ensure_toolchain(folders, progress)
    with progress.step(f"{cluster.name}: OpenTofu"):
        machines = tofu.apply(folders, cluster)
    with progress.step(f"{cluster.name}: Ansible"):
        _playbooks(folders, cluster, machines)
        _run_playbook(folders, cluster)
    with progress.step(f"{cluster.name}: kubeconfig"):
        _fetch_kubeconfig(folders, cluster, machines)
    return machines


def destroy(folders: Folders, cluster: LegacyCluster, progress: Progress) -> None:
    """Destroys what OpenTofu made and forgets the cluster's files."""
    with progress.step(f"{cluster.name}: OpenTofu destroys"):
        tofu.destroy(folders, cluster)
    shutil.rmtree(folders.cluster(cluster.name), ignore_errors=True)


def known_hosts(folders: Folders, cluster: LegacyCluster) -> Path:
    """The host keys of the cluster's machines."""
    return folders.cluster(cluster.name) / "known_hosts"


def variables(
    cluster: LegacyCluster, machines: tofu.Machines, old: Mapping[str, object]
) -> dict[str, object]:
    """group_vars/all.yml. Secrets of an earlier run are kept: a second run must not rotate them."""
    traits = cluster.traits
    return {
        "cluster": cluster.name,
        "package": cluster.kubernetes,
        "kubernetes_version": images.kubernetes_version(cluster.kubernetes),
        "kubeadm_api": images.kubeadm_api(cluster.kubernetes),
        "sandbox_image": images.sandbox_image(cluster.kubernetes),
        "runtime": cluster.runtime,
        "cri_socket": CRI_SOCKETS[cluster.runtime],
        "api_address": machines.api_address,
        "api_endpoint": machines.api_address,
        "api_name": cluster.api_name,
        "pod_cidr": cluster.pod_cidr,
        "service_cidr": cluster.service_cidr,
        "join_token": old.get("join_token") or f"{secrets.token_hex(3)}.{secrets.token_hex(8)}",
        "certificate_key": old.get("certificate_key") or secrets.token_hex(32),
        "encryption_key": old.get("encryption_key") or base64.b64encode(secrets.token_bytes(32)).decode(),
        "component_configs": component_configs(cluster.kubernetes),
        "addon_manifests": ["node-agent.yaml", *(["workload.yaml"] if traits.workload else [])],
        "options": {
            "audit": traits.audit,
            "encryption": traits.encryption,
            "extra_sans": list(traits.extra_sans),
            "api_server_flags": dict(traits.api_server_flags),
            "hand_edited_manifest": traits.hand_edited_manifest,
            "cloud_provider": traits.cloud_provider,
        },
    }


def component_configs(kubernetes: str) -> str:
    """KubeletConfiguration and KubeProxyConfiguration for machines that are containers, as YAML documents:
    those of the version where it needs its own."""
    own = TEMPLATES / f"component-configs-{kubernetes}.yaml"
    return (own if own.exists() else TEMPLATES / "component-configs.yaml").read_text()


def inventory(folders: Folders, cluster: LegacyCluster, machines: tofu.Machines) -> str:
    """hosts.ini, as people write it."""
    groups = {group.name: group for group in cluster.worker_groups}
    arguments = " ".join(ssh.options(folders, known_hosts(folders, cluster)))
    lines = [
        "[masters]",
        *(f"{m.name} ansible_host={m.address}" for m in machines.control_planes),
        "",
        "[workers]",
    ]
    for machine in machines.workers:
        taint = groups[machine.group].taint
        more = f" taint={taint}" if taint else ""
        lines.append(f"{machine.name} ansible_host={machine.address} worker_group={machine.group}{more}")
    lines += ["", "[all:vars]", f"ansible_user={ssh.USER}", f"ansible_ssh_common_args='{arguments}'", ""]
    return "\n".join(lines)


def _playbooks(folders: Folders, cluster: LegacyCluster, machines: tofu.Machines) -> None:
    place = folders.cluster(cluster.name) / "ansible"
    if cluster.layout == "kubespray":
        kubespray.copy_playbooks(PLAYBOOKS, place)
        hosts = place / kubespray.INVENTORY / "hosts.yaml"
        hosts.parent.mkdir(exist_ok=True)
        hosts.write_text(kubespray.inventory(cluster, machines, known_hosts(folders, cluster), folders))
    else:
        shutil.copytree(PLAYBOOKS, place, dirs_exist_ok=True)
        hosts = place / "hosts.ini"
        hosts.write_text(inventory(folders, cluster, machines))
    file = hosts.parent / "group_vars" / "all.yml"
    old = yaml.safe_load(file.read_text()) if file.exists() else {}
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    given = variables(cluster, machines, old)
    if cluster.layout == "kubespray":
        given = kubespray.variables(folders, cluster, machines, given)
    file.write_text(yaml.safe_dump(given, sort_keys=False))
    _manifests(folders, cluster, place / "templates")


def _manifests(folders: Folders, cluster: LegacyCluster, place: Path) -> None:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(MANIFESTS),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    traits = cluster.traits
    values: dict[str, Mapping[str, object]] = {
        "node-agent.yaml": {
            "image": images.NODE_AGENT_IMAGE,
            "provider_id": traits.provider_id,
            "region": "RegionOne",
        },
        "workload.yaml": {"image": images.WORKLOAD_IMAGE},
    }
    if cluster.layout == "kubespray":
        values |= kubespray.manifests(folders, cluster)
    place.mkdir(exist_ok=True)
    for name, given in values.items():
        (place / name).write_text(environment.get_template(name).render(**given))


def _run_playbook(folders: Folders, cluster: LegacyCluster) -> None:
    place = folders.cluster(cluster.name) / "ansible"
    log = folders.logs / f"ansible-{cluster.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("ansible-playbook")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(place / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
    with log.open("ab") as output:
        done = subprocess.run(
            [str(program), PLAYBOOK_OF[cluster.layout]],
            cwd=place,
            env=environment,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise GroundError(
            f"Ansible for {cluster.name}",
            f"ansible-playbook ended with {done.returncode}",
            f"Read {log}; run it by hand in {place}; or create the cluster again to go on.",
            log.read_text(errors="replace")[-4000:],
        )


def _fetch_kubeconfig(folders: Folders, cluster: LegacyCluster, machines: tofu.Machines) -> None:
    first = machines.control_planes[0]
    content = ssh.run(
        folders, known_hosts(folders, cluster), first.address, "sudo cat /etc/kubernetes/admin.conf"
    )
    file = folders.cluster(cluster.name) / "kubeconfig"
    file.touch(mode=0o600)
    file.write_bytes(content)


def summary(machines: tofu.Machines) -> str:
    """The machines as JSON, for people and programs."""
    return json.dumps(machines.as_dict(), indent=1)
