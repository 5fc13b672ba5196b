"""What replank's operator would have on the desk: a fleet.yaml for clusters of the ground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from proving_ground import images
from proving_ground.legacy import create, ssh
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.settings import Folders


def write_fleet_file(
    folders: Folders, clusters: Sequence[LegacyCluster], file: Path, plane_name: str = "one"
) -> None:
    """Writes `file` so that `replank survey --fleet FILE` sees all of the clusters."""
    document = {
        "schema": "replank.fleet/v1",
        "defaults": {
            "cloud": {"name": "ground", "clouds_yaml": str(folders.clouds_yaml)},
            "management": {
                "kubeconfig": str(folders.plane(plane_name) / "kubeconfig"),
                "namespace": "{cluster}",
            },
        },
        "clusters": {
            cluster.name: {
                "state": [{"file": str(folders.cluster(cluster.name) / "tf" / "terraform.tfstate")}],
                "kubeconfig": str(folders.cluster(cluster.name) / "kubeconfig"),
                "ssh": {
                    "user": ssh.USER,
                    "key": str(folders.ssh_key),
                    "known_hosts": str(create.known_hosts(folders, cluster)),
                },
                **_new_machines(cluster),
            }
            for cluster in clusters
        },
    }
    file.write_text(yaml.safe_dump(document, sort_keys=False))


def _new_machines(cluster: LegacyCluster) -> dict[str, object]:
    """The image of later machines, where there is one on which kubeadm works at once."""
    if cluster.kubernetes in images.ON_DEMAND:
        return {}
    image = {"image": images.glance_name(cluster.kubernetes)}
    return {"new_machines": image, "new_control_planes": image}
