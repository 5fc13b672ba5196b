"""What the operator of a world has on disk: fleet.yaml and everything it points at."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from cryptography.hazmat.primitives import serialization

from replank.testbed.fleet.yaml_text import to_yaml
from replank.testbed.world import Document, Project, TwinCluster, World

FLEET_FILE = "fleet.yaml"
CLOUDS_FILE = "clouds.yaml"
SSH_KEY = "ssh/id_ed25519"
KNOWN_HOSTS = "ssh/known_hosts"
MANAGEMENT_KUBECONFIG = "kube/management.yaml"
_HEAD = "# The fleet of replank's embedded twin. Its servers run on this machine only while the twin does.\n"


def write_workdir(
    world: World,
    folder: Path,
    *,
    auth_url: str,
    api_urls: Mapping[str, str],
    ssh_port: int,
    management_url: str,
) -> Path:
    """Writes the files into `folder`, and returns the path of fleet.yaml.

    `api_urls`: cluster -> URL of its API. All files are readable by their owner alone.
    """
    write = _Writer(folder)
    write.text(CLOUDS_FILE, to_yaml({"clouds": {p.cloud: _cloud(p, auth_url) for p in world.projects}}))
    for cluster in world.clusters:
        write.text(f"kube/{cluster.name}.yaml", _cluster_kubeconfig(cluster, api_urls[cluster.name]))
        for path, document in cluster.state_files.items():
            write.text(path, json.dumps(document, indent=2) + "\n")
        for path, lock in cluster.state_locks.items():
            write.text(_lock_path(path), json.dumps(lock))
    if world.management is not None:
        user = _certificate(world.management_client_cert, world.management_client_key)
        text = kubeconfig("management", management_url, world.management.ca_cert, user)
        write.text(MANAGEMENT_KUBECONFIG, text)
    write.text(SSH_KEY, world.ssh_client_key)
    write.text(KNOWN_HOSTS, _known_hosts(world, ssh_port))
    return write.text(FLEET_FILE, _HEAD + to_yaml(_fleet(world, ssh_port)))


def kubeconfig(name: str, server: str, ca_cert: str, user: Mapping[str, str]) -> str:
    """A kubeconfig with one context, as kubeadm names things. `name`: of the cluster inside it."""
    context = f"kubernetes-admin@{name}"
    cluster = {"certificate-authority-data": _base64(ca_cert), "server": server}
    return to_yaml(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "contexts": [{"name": context, "context": {"cluster": name, "user": "kubernetes-admin"}}],
            "current-context": context,
            "preferences": {},
            "users": [{"name": "kubernetes-admin", "user": dict(user)}],
        }
    )


class _Writer:
    """Writes private files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, path: str, text: str) -> Path:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        target.write_text(text, encoding="utf-8")
        return target


def _cloud(project: Project, auth_url: str) -> Document:
    return {
        "auth": {
            "auth_url": auth_url,
            "username": project.user_name,
            "password": project.password,
            "project_name": project.project_name,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": project.region,
        "interface": "public",
        "identity_api_version": 3,
    }


def _cluster_kubeconfig(cluster: TwinCluster, server: str) -> str:
    if cluster.kubeconfig_token:
        user = {"token": cluster.kubeconfig_token}
    else:
        user = _certificate(cluster.client_cert, cluster.client_key)
    return kubeconfig("kubernetes", server, cluster.api.ca_cert, user)


def _certificate(cert: str, key: str) -> dict[str, str]:
    return {"client-certificate-data": _base64(cert), "client-key-data": _base64(key)}


def _lock_path(state: str) -> str:
    """Where Terraform's local back end keeps the lock of a state file."""
    path = PurePosixPath(state)
    return str(path.with_name(f".{path.name}.lock.info"))


def _known_hosts(world: World, port: int) -> str:
    """The jump host, and every machine as the operator met it."""
    lines = [f"[127.0.0.1]:{port} {_public_line(world.bastion_host_key)}"]
    for cluster in world.clusters:
        for machine in cluster.machines:
            key = machine.known_host_key or machine.host_key
            lines.append(f"{machine.address} {_public_line(key)}")
    return "".join(f"{line}\n" for line in lines)


def _public_line(pem: str) -> str:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode()


def _fleet(world: World, ssh_port: int) -> Document:
    first = world.projects[0].cloud if world.projects else ""
    defaults: Document = {
        "cloud": {"name": first, "clouds_yaml": CLOUDS_FILE},
        "kubeconfig": "kube/{cluster}.yaml",
        "ssh": {
            "user": world.ssh_user,
            "key": SSH_KEY,
            "jump": f"{world.ssh_user}@127.0.0.1:{ssh_port}",
            "known_hosts": KNOWN_HOSTS,
            "sudo": True,
        },
        "management": {"kubeconfig": MANAGEMENT_KUBECONFIG, "namespace": "{cluster}"},
        # What the twin's controllers want shows within a second.
        "quiet_seconds": 3,
    }
    clusters = {}
    for cluster in world.clusters:
        entry: Document = {"state": [_state_source(cluster, path) for path in cluster.state_files]}
        if cluster.cloud != first:
            entry["cloud"] = {"name": cluster.cloud, "clouds_yaml": CLOUDS_FILE}
        clusters[cluster.name] = entry
    return {"schema": "replank.fleet/v1", "defaults": defaults, "clusters": clusters}


def _state_source(cluster: TwinCluster, path: str) -> Document:
    parts = PurePosixPath(path)
    if parts.parent.parent.name == "terraform.tfstate.d":
        source: Document = {"folder": str(parts.parents[2]), "workspace": parts.parent.name}
    elif parts.name == "terraform.tfstate":
        source = {"folder": str(parts.parent)}
    else:
        source = {"file": path}
    return source | ({"only": list(cluster.state_only)} if cluster.state_only else {})


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
