"""A node moved from Docker to containerd in the sequence of other tools, to measure replank's against it.

The sequence is KubeOne's (v1.8 pkg/scripts, `migrate to-containerd`): the kubelet is stopped, every container
removed, the new runtime installed, configured and started, the kubelet's flags are changed, and it is started
again. Images are pulled anew, from a registry on the cluster's control plane. Program, configuration and unit
are those of replank's plan, so that only the sequence differs.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from sabotage import Victim

from proving_ground.legacy import create, ssh
from proving_ground.progress import Progress
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary

_MIRRORS = "/etc/containerd/certs.d/_default/hosts.toml"
"""Where containerd looks for a host's mirrors that no other folder names (docs/hosts.md)."""

_FROM = "/var/lib/ground/bundle"
"""The programs on the machine, as a package is there before it is installed."""


def serve_images(registry: Victim, progress: Progress) -> None:
    """Starts a registry on the machine and pushes all images of its Docker into it."""
    ground = registry.desk.ground
    with progress.step("toolchain registry"):
        build.build(ground, "registry")
    hosts = create.known_hosts(ground, registry.desk.cluster)
    command = "sudo sh -c 'cat > /usr/local/bin/registry && chmod 755 /usr/local/bin/registry'"
    with binary(ground, "registry", "registry").open("rb") as program:
        ssh.run(ground, hosts, registry.machine.address, command, stdin=program)
    registry.run("sudo systemd-run --unit ground-registry /usr/local/bin/registry -address :5000")
    names = registry.run("sudo docker images --format '{{.Repository}}:{{.Tag}}'").split()
    for name in names:
        pushed = f"localhost:5000/{_path(name)}"
        registry.run(
            f"sudo sh -c 'docker tag {name} {pushed} && docker push -q {pushed} && docker rmi {pushed}'"
        )


def move(node: Victim, instructions: Any, registry: Victim) -> None:
    """The whole sequence, as one script on the node. `instructions`: what replank's plan tells this node.

    Raises `GroundError` where a command of it fails.
    """
    _bring_programs(node, instructions)
    mirror = f'[host."http://{registry.machine.address}:5000"]\n  capabilities = ["pull", "resolve"]\n'
    containerd, switch = instructions["containerd"], instructions["switch"]
    files = [*containerd["files"], *switch["files"], {"path": _MIRRORS, "content": mirror, "mode": 0o644}]
    lines = [
        "set -eu",
        "systemctl stop kubelet",
        "docker rm --force $(docker ps --all --quiet) > /dev/null",
        "systemctl disable --now docker.service docker.socket containerd.service 2> /dev/null || true",
        *_installs(instructions),
        *(_writes(file) for file in files),
        "systemctl daemon-reload",
        f"systemctl enable --now {containerd['unit']} 2> /dev/null",
        "systemctl start kubelet",
    ]
    node.run(f"sudo sh -s <<'END_OF_SCRIPT'\n{chr(10).join(lines)}\nEND_OF_SCRIPT")


def _bring_programs(node: Victim, instructions: Any) -> None:
    """Before the sequence begins: other tools download packages within it, which this leaves out."""
    folder = shlex.quote(instructions["containerd"]["daemon"].rpartition("/")[0])
    node.run(f"sudo sh -c 'mkdir -p {_FROM} && cp {folder}/* {_FROM}/'")
    node.run("sudo python3 /var/lib/replank/swap/swap_node.py unstage")


def _installs(instructions: Any) -> Iterator[str]:
    folder = shlex.quote(instructions["containerd"]["daemon"].rpartition("/")[0])
    yield f"install -D -m 755 -t {folder} {_FROM}/*"


def _writes(file: Any) -> str:
    path = shlex.quote(file["path"])
    return f"install -D -m {file['mode']:o} /dev/stdin {path} <<'END_OF_FILE'\n{file['content']}\nEND_OF_FILE"


def _path(image: str) -> str:
    """What containerd asks a mirror for (distribution/reference, normalize.go)."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return rest
    return image if slash else f"library/{image}"
