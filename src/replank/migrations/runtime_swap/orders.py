"""From a node's facts and its translation to what the node is told: its `plan.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from replank.domain.unknown import Fact, Unknown
from replank.inventory.hosts.swap_commands import FOLDER
from replank.inventory.runtime.facts import ContainerdDaemon, ImageInUse, NodeRuntime
from replank.migrations.runtime_swap.giving_up import removals
from replank.migrations.runtime_swap.node.order import (
    Binary,
    Commit,
    Containerd,
    Docker,
    Expected,
    Image,
    InPlace,
    Order,
    Package,
    PlannedFile,
    Room,
    Switch,
    to_json,
)
from replank.migrations.runtime_swap.node.settings import settings_of
from replank.migrations.runtime_swap.node.words import Strategy
from replank.migrations.runtime_swap.translation.model import NewFile, Target, Translation

T = TypeVar("T")
_DROP_IN: Final = "/etc/systemd/system/{unit}.d/90-replank.conf"
_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_ROOM: Final = 1 << 30
"""Bytes that stay free beside everything: kubelet's own threshold for images is 85 % of a disk."""

_UNIT: Final = """\
# Written by replank: containerd {version} beside Docker, with a root, state and socket of its own.
[Unit]
Description=containerd container runtime (replank)
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart={daemon} --config {config}
Environment=PATH={path}
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
"""
"""As upstream's containerd.service (v2.3.5), which has no LimitNOFILE since 2.0."""


class CannotTell(Exception):
    """A fact that the order depends on was not seen. Never leaves `order_for`."""

    def __init__(self, fact: Unknown) -> None:
        super().__init__(fact.unknown)
        self.fact = fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The new runtime on the node. `folder`: where its programs are put. `sha256`: name -> hash of those that
    are sent there; none where `package` brings them."""

    folder: str
    sha256: Mapping[str, str]
    package: Package | None = None

    def binaries(self) -> tuple[Binary, ...]:
        """All of them, by name."""
        return tuple(
            Binary(path=f"{self.folder}/{name}", sha256=digest)
            for name, digest in sorted(self.sha256.items())
        )


def order_for(
    node: NodeRuntime,
    translation: Translation,
    target: Target,
    programs: Programs,
    *,
    cgroup_driver: str,
    deadline_seconds: int,
) -> Order | Unknown:
    """What the node is told. Unknown where a fact that it depends on is. `cgroup_driver`: the kubelet's.

    Its pods are named only when the swap starts.
    """
    try:
        made = (
            _in_place(node, translation, target, programs, cgroup_driver)
            if target.in_place
            else _switch(node, translation, target, programs, cgroup_driver)
        )
    except CannotTell as unseen:
        return unseen.fact
    named = replace(_with_package(made, programs.package), deadline_seconds=deadline_seconds)
    return replace(named, id=f"swap-{hashlib.sha256(to_json(named)).hexdigest()[:12]}")


def _with_package(order: Order, package: Package | None) -> Order:
    """In place runc stays the node's own: pods of the trial have to outlive the way back. Pods of a second
    containerd do not, and it must not hang on a package that may go when Docker is removed."""
    if package is None:
        return order
    optional = ("runc",) if order.strategy == Strategy.SWITCH else ()
    room = (*order.room, Room(path=FOLDER, bytes=_ROOM))
    return replace(order, package=replace(package, optional=optional), room=room)


def _in_place(
    node: NodeRuntime, translation: Translation, target: Target, programs: Programs, cgroup_driver: str
) -> Order:
    daemon = _known(_daemon(node))
    shims = f"/opt/replank/shim-{_known(node.version)}-{daemon.shim.sha256[:12]}"
    return Order(
        id="",
        node=node.node,
        strategy=Strategy.IN_PLACE,
        cgroup_driver=cgroup_driver,
        containerd=Containerd(
            unit=daemon.unit,
            daemon=f"{programs.folder}/containerd",
            daemon_arguments=daemon.arguments,
            config=target.config_path,
            socket=target.socket,
            files=_own(translation.files),
        ),
        binaries=programs.binaries(),
        expected=_expected(translation, target),
        in_place=InPlace(
            old_daemon=daemon.program,
            old_config=daemon.config,
            old_shim=Binary(path=daemon.shim.path, sha256=daemon.shim.sha256),
            old_shim_folder=shims,
            path=daemon.path or _PATH,
            drop_in=_DROP_IN.format(unit=daemon.unit),
        ),
        room=(Room(path="/opt", bytes=_ROOM),),
        tools={"ctr": f"{programs.folder}/ctr"},
    )


def _switch(
    node: NodeRuntime, translation: Translation, target: Target, programs: Programs, cgroup_driver: str
) -> Order:
    found = _found(node)
    moved = [file for file in translation.files if file.phase == "switch"]
    own = [file for file in translation.files if file.phase == "stage"]
    unit = PlannedFile(
        path=f"/etc/systemd/system/{target.unit}",
        content=_UNIT.format(
            version=target.containerd,
            daemon=f"{programs.folder}/containerd",
            config=target.config_path,
            path=":".join((programs.folder, *_PATH)),
        ),
        found_sha256=None,
    )
    docker = _known(node.data_root)
    return Order(
        id="",
        node=node.node,
        strategy=Strategy.SWITCH,
        cgroup_driver=cgroup_driver,
        containerd=Containerd(
            unit=target.unit,
            daemon=f"{programs.folder}/containerd",
            config=target.config_path,
            socket=target.socket,
            state=target.state,
            folders=(target.root, target.state),
            files=(*_own(own), unit),
        ),
        binaries=programs.binaries(),
        expected=_expected(translation, target),
        switch=Switch(
            images=tuple(_image(image, _known(node.sandbox_image)) for image in _known(node.images)),
            files=_changed(moved, found),
            docker=Docker(data_root=docker, units=_docker_units(node)),
            commit=Commit(commands=removals(node)),
            image_reserve_bytes=_ROOM,
        ),
        tools={"ctr": f"{programs.folder}/ctr"},
    )


def _docker_units(node: NodeRuntime) -> tuple[str, ...]:
    """What serves the kubelet, the last of the chain first (cri-dockerd v0.3, packaging/systemd)."""
    speaks = ("cri-docker.socket", "cri-docker.service") if _known(node.shim) == "cri-dockerd" else ()
    return (*speaks, "docker.socket", "docker.service")


def _expected(translation: Translation, target: Target) -> Expected:
    """The settings that the plan writes have to be in force."""
    text = next((file.content for file in translation.files if file.path == target.config_path), "")
    wanted = settings_of(text)
    wanted.pop("imports", None)
    return Expected(new=wanted)


def _own(files: Sequence[NewFile]) -> tuple[PlannedFile, ...]:
    """Files that replank brings along, whatever stands there."""
    return tuple(_planned(file, "*") for file in files)


def _changed(files: Sequence[NewFile], found: Mapping[str, str]) -> tuple[PlannedFile, ...]:
    """`found`: path -> hash of what stood there at the survey; others did not."""
    return tuple(_planned(file, found.get(file.path)) for file in files)


def _planned(file: NewFile, found_sha256: str | None) -> PlannedFile:
    return PlannedFile(
        path=file.path, content=file.content, mode=int(file.mode, 8), found_sha256=found_sha256
    )


def _found(node: NodeRuntime) -> dict[str, str]:
    texts = [*_known(node.kubelet_files), *([crictl] if (crictl := _known(node.crictl)) else [])]
    return {
        file.path: hashlib.sha256(file.text.encode()).hexdigest() for file in texts if file.text is not None
    }


def _image(image: ImageInUse, sandbox: str) -> Image:
    """Docker's `web:1` is containerd's `docker.io/library/web:1`; `docker save` writes that name."""
    names = [_familiar(reference) for reference in image.references]
    references = tuple(dict.fromkeys((*names, *map(_familiar, image.digests))))
    return Image(
        id=image.id if image.id.startswith("sha256:") else f"sha256:{image.id}",
        save=image.references[0] if image.references else "",
        references=references,
        bytes=image.bytes,
        sandbox=sandbox in (*image.references, *references),
    )


def _familiar(name: str) -> str:
    """distribution/reference, normalize.go (ParseNormalizedNamed): docker.io/library unless it is said."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def _daemon(node: NodeRuntime) -> Fact[ContainerdDaemon]:
    found = node.daemon
    return Unknown("containerd's unit was not found") if found is None else found


def _known(fact: Fact[T]) -> T:
    if isinstance(fact, Unknown):
        raise CannotTell(fact)
    return fact
