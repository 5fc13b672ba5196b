"""The machines of a legacy cluster by OpenTofu: network, servers, load balancer, and a genuine state file."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proving_ground import images
from proving_ground.errors import GroundError
from proving_ground.legacy.layout import Layout, LegacyCluster
from proving_ground.settings import HERE, Folders
from proving_ground.toolchain.groups import binary, group

CONFIGURATIONS = HERE / "legacy" / "terraform"
PROVIDER = "registry.opentofu.org/terraform-provider-openstack/openstack"
PROVIDER_GROUPS: Mapping[Layout, str] = {
    "plain": "terraform-provider-openstack",
    "kubespray": "terraform-provider-openstack-1.54",
}
"""Toolchain group of the provider's version that a layout's state is written by."""

CONTROL_PLANE_FLAVOR = "m1.control"
EXTERNAL_NETWORK = "public"
CONTROL_PLANE_GROUP = "master"
LOCK_TIMEOUT = "-lock-timeout=180s"
"""An interrupted run's OpenTofu may still be at work: it ends its current operations first."""

KEPT_STATE = "before-forgetting.tfstate"
"""The state as it was before some of it was forgotten."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A server and its port. `group`: its worker group, or `master`."""

    name: str
    group: str
    address: str
    server_id: str
    port_id: str


@dataclass(frozen=True, slots=True)
class Machines:
    """What OpenTofu made for a cluster."""

    api_address: str
    api_port: int
    network_id: str
    subnet_id: str
    router_id: str
    machines: tuple[Machine, ...]

    @property
    def control_planes(self) -> tuple[Machine, ...]:
        """Masters, in the order of their numbers."""
        return tuple(m for m in self.machines if m.group == CONTROL_PLANE_GROUP)

    @property
    def workers(self) -> tuple[Machine, ...]:
        """Workers of all groups."""
        return tuple(m for m in self.machines if m.group != CONTROL_PLANE_GROUP)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def folder(folders: Folders, cluster: LegacyCluster) -> Path:
    """The cluster's OpenTofu folder. `. ./environment` there, and `tofu` works as for the platform team."""
    return folders.cluster(cluster.name) / "tf"


def environment(folders: Folders, cluster: LegacyCluster) -> dict[str, str]:
    """What `tofu` needs in its environment; `environment` in the folder has it for a shell."""
    return {
        "TF_CLI_CONFIG_FILE": str(folder(folders, cluster) / "tofu.tfrc"),
        "OS_CLIENT_CONFIG_FILE": str(folders.clouds_yaml),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }


def prepare(folders: Folders, cluster: LegacyCluster, more: Mapping[str, object] | None = None) -> Path:
    """Writes the folder: configuration, variables (`more` goes over ours), settings of the command line."""
    place = folder(folders, cluster)
    shutil.copytree(CONFIGURATIONS / cluster.layout, place, dirs_exist_ok=True)
    wanted = {**variables(folders, cluster), **(more or {})}
    (place / "terraform.tfvars.json").write_text(json.dumps(wanted, indent=1) + "\n")
    (place / "tofu.tfrc").write_text(
        "provider_installation {\n  filesystem_mirror {\n"
        f"    path = {json.dumps(str(_mirror(folders, PROVIDER_GROUPS[cluster.layout])))}\n  }}\n}}\n"
    )
    lines = [f"export {name}='{value}'" for name, value in environment(folders, cluster).items()]
    (place / "environment").write_text("\n".join([*lines, ""]))
    return place


def variables(folders: Folders, cluster: LegacyCluster) -> dict[str, object]:
    """terraform.tfvars.json."""
    named = _kubespray if cluster.layout == "kubespray" else _plain
    return {
        "cloud": "ground",
        "image": images.glance_bare_name(cluster.kubernetes),
        **named(cluster, folders.ssh_key.with_suffix(".pub").read_text().strip()),
    }


def _plain(cluster: LegacyCluster, public_key: str) -> dict[str, object]:
    return {
        "cluster": cluster.name,
        "cidr": cluster.cidr,
        "external_network": EXTERNAL_NETWORK,
        "ssh_public_key": public_key,
        "masters": cluster.control_planes,
        "master_flavor": CONTROL_PLANE_FLAVOR,
        "workers": {
            group.name: {
                "count": group.count,
                "flavor": group.flavor,
                "address_pairs": list(group.allowed_address_pairs),
            }
            for group in cluster.worker_groups
        },
    }


def _kubespray(cluster: LegacyCluster, public_key: str) -> dict[str, object]:
    return {
        "cluster_name": cluster.name,
        "network_name": f"{cluster.name}-network",
        "subnet_cidr": cluster.cidr,
        "external_net": EXTERNAL_NETWORK,
        "public_key": public_key,
        "number_of_k8s_masters": cluster.control_planes,
        "flavor_k8s_master": CONTROL_PLANE_FLAVOR,
        "k8s_master_loadbalancer_enabled": cluster.load_balancer,
        "allowed_address_pairs": [cluster.pod_cidr, cluster.service_cidr],
        "k8s_nodes": {
            f"{group.name}-{number}": {"group": group.name, "flavor": group.flavor, "floating_ip": False}
            for group in cluster.worker_groups
            for number in range(1, group.count + 1)
        },
    }


def apply(folders: Folders, cluster: LegacyCluster, more: Mapping[str, object] | None = None) -> Machines:
    """Makes or corrects the machines. Raises `GroundError` with OpenTofu's last lines."""
    prepare(folders, cluster, more)
    _init(folders, cluster)
    _tofu(folders, cluster, "apply", "-auto-approve", "-input=false", LOCK_TIMEOUT)
    return read(folders, cluster)


def read(folders: Folders, cluster: LegacyCluster) -> Machines:
    """The machines as the state has them. Raises `GroundError` where there is no whole state."""
    _, text = _tofu(folders, cluster, "output", "-json")
    try:
        outputs = {name: output["value"] for name, output in json.loads(text).items()}
        return Machines(
            api_address=outputs["api"]["address"],
            api_port=outputs["api"]["port"],
            machines=tuple(Machine(**machine) for machine in outputs["machines"]),
            **outputs["network"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GroundError(
            _part(cluster), f"its state has no such output: {error}", "Create the cluster again to go on."
        ) from error


def has_changes(folders: Folders, cluster: LegacyCluster) -> bool:
    """Whether a plan would change anything: the state, the configuration and the cloud differ."""
    _init(folders, cluster)
    asked = ("plan", "-detailed-exitcode", "-input=false", LOCK_TIMEOUT)
    return _tofu(folders, cluster, *asked, accepted=(0, 2))[0] == 2


def forget(folders: Folders, cluster: LegacyCluster, addresses: Sequence[str]) -> None:
    """`tofu state rm`: what the platform team does when somebody else is to own the resources. It keeps the
    state of before, as every back end with versions does."""
    shutil.copy2(folder(folders, cluster) / "terraform.tfstate", folder(folders, cluster) / KEPT_STATE)
    _tofu(folders, cluster, "state", "rm", LOCK_TIMEOUT, *addresses)


def remember(folders: Folders, cluster: LegacyCluster, addresses: Sequence[str]) -> None:
    """`tofu state mv` of each resource out of the state of before: the way back with every attribute. An
    import would not read back all of them, and the next plan would replace the machines."""
    kept, now = KEPT_STATE, "terraform.tfstate"
    for address in addresses:
        moved = ("mv", f"-state={kept}", f"-state-out={now}", LOCK_TIMEOUT, address, address)
        _tofu(folders, cluster, "state", *moved)


def destroy(folders: Folders, cluster: LegacyCluster) -> None:
    """Destroys what the state names. Without a state there is nothing to do."""
    if not (folder(folders, cluster) / "terraform.tfstate").exists():
        return
    _init(folders, cluster)
    _tofu(folders, cluster, "destroy", "-auto-approve", "-input=false", LOCK_TIMEOUT)


def _init(folders: Folders, cluster: LegacyCluster) -> None:
    # The provider is built here, and may have been rebuilt: the checksum of the old one must not count.
    (folder(folders, cluster) / ".terraform.lock.hcl").unlink(missing_ok=True)
    _tofu(folders, cluster, "init", "-input=false")


def _tofu(
    folders: Folders, cluster: LegacyCluster, *arguments: str, accepted: tuple[int, ...] = (0,)
) -> tuple[int, str]:
    """Exit status, and stdout of `output`; that of the others is in the log."""
    place = folder(folders, cluster)
    log = folders.logs / f"tofu-{cluster.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    program = binary(folders, "opentofu", "tofu")
    asked = arguments[0] == "output"
    with log.open("a+") as output:
        output.write(f"\n$ tofu {' '.join(arguments)}\n")
        output.flush()
        begin = output.tell()
        process = subprocess.Popen(
            [str(program), *arguments, *([] if asked else ["-no-color"])],
            cwd=place,
            env={**os.environ, **environment(folders, cluster)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if asked else output,
            stderr=output,
            text=True,
        )
        answer = _wait(process)
        output.seek(begin)
        said = output.read()
    if process.returncode not in accepted:
        raise GroundError(
            _part(cluster),
            f"`tofu {arguments[0]}` ended with {process.returncode}",
            f"Read {log}; run it by hand in {place} after `. ./environment`; or do the same again to go on.",
            said[-4000:],
        )
    return process.returncode, answer


def _wait(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate()[0] or ""
    except KeyboardInterrupt:
        process.wait()  # it was interrupted too, and writes down what it has made
        raise


def _mirror(folders: Folders, provider: str) -> Path:
    """A folder laid out as OpenTofu searches for providers, with the group's version of ours."""
    built = binary(folders, provider, "terraform-provider-openstack")
    version = group(provider).version.removeprefix("v")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    mirror = folders.state / "tofu" / "providers"
    place = mirror / PROVIDER / version / f"{platform.system().lower()}_{machine}"
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink() or place.readlink() != built.parent:
        place.unlink(missing_ok=True)
        place.symlink_to(built.parent)
    return mirror


def _part(cluster: LegacyCluster) -> str:
    return f"OpenTofu for {cluster.name}"
