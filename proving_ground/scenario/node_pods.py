"""Nodes that are reached by pods: the image that those run, on every machine, and a fleet.yaml that names it.

The image holds Debian's own `chroot`, taken off a machine with its libraries: this site has no registry.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from pyrage import x25519  # type: ignore[import-untyped]

from proving_ground.images.docker_archive import Image, layer_of, write
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.settings import Folders

IMAGE = "replank-ground/node-pod:1"
_PROGRAM = "/usr/sbin/chroot"
_TAKE = f"tar -c -h -f - {_PROGRAM} $(ldd {_PROGRAM} | grep -o '/[^ )]*') 2>/dev/null"
_LOAD = {"containerd": "sudo ctr -n k8s.io images import -", "docker": "sudo docker load --quiet"}


def bring_image(folders: Folders, cluster: LegacyCluster, progress: Progress) -> None:
    """Puts the image on every machine of the cluster."""
    hosts, machines = create.known_hosts(folders, cluster), tofu.read(folders, cluster).machines
    with progress.step(f"{cluster.name}: image of node pods"), tempfile.TemporaryDirectory() as work:
        tar, archive = Path(work, "layer.tar"), Path(work, "image.tar")
        tar.write_bytes(ssh.run(folders, hosts, machines[0].address, _TAKE))
        write(archive, [Image(IMAGE, (layer_of(tar),))])
        for machine in machines:
            with archive.open("rb") as file:
                ssh.run(folders, hosts, machine.address, _LOAD[cluster.runtime], stdin=file, limit_s=300)


def take_ssh_away(fleet: Path) -> None:
    """In a fleet.yaml of the ground: its clusters name the image in place of SSH. Nobody keeps the key of the
    etcd snapshots."""
    document = yaml.safe_load(fleet.read_text())
    recipient = str(x25519.Identity.generate().to_public())
    for cluster in document["clusters"].values():
        del cluster["ssh"]
        cluster["node_pod"] = {"image": IMAGE}
        cluster["etcd_snapshot"] = {"recipients": [recipient]}
    fleet.write_text(yaml.safe_dump(document, sort_keys=False))
