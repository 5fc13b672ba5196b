"""What replank's operator would have on the desk: a fleet.yaml for clusters of the ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from proving_ground import images
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.settings import Folders


def write_fleet_file(
    folders: Folders,
    clusters: Sequence[LegacyCluster],
    file: Path,
    plane_name: str = "one",
    probes: Sequence[Mapping[str, object]] = (),
    load_balancer: str = "auto",
) -> None:
    """Writes `file` so that `replank survey --fleet FILE` sees all the clusters. `load_balancer`: who is to
    keep it after the takeover."""
    document = {
        "schema": "replank.fleet/v1",
        "defaults": {
            "load_balancer": load_balancer,
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
                **({"probes": list(probes)} if probes else {}),
            }
            for cluster in clusters
        },
    }
    file.write_text(yaml.safe_dump(document, sort_keys=False))


def probes_of(folders: Folders, cluster: LegacyCluster) -> tuple[Mapping[str, object], ...]:
    """What users of the cluster's sample workload would notice: its web service, its ledger with local data,
    its log, and DNS, each through a NodePort of the first worker."""
    address = tofu.read(folders, cluster).workers[0].address
    return (
        {"name": "web", "http": f"http://{address}:30080/healthz"},
        {"name": "ledger", "counter": f"http://{address}:30081/", "period_s": 1},
        {"name": "log", "counter": f"http://{address}:30082/", "period_s": 1},
        {"name": "dns", "dns": f"{address}:30053", "query": "web.shop.svc.cluster.local", "over": "udp"},
    )


def _new_machines(cluster: LegacyCluster) -> dict[str, object]:
    """The image of later machines, where there is one on which kubeadm works at once."""
    if cluster.kubernetes in images.ON_DEMAND:
        return {}
    image = {"image": images.glance_name(cluster.kubernetes)}
    return {"new_machines": image, "new_control_planes": image}
