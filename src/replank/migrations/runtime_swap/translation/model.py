"""What a translation says: a row for every setting, the new files, and what stops it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from replank.inventory.runtime.versions import Version


class Outcome(StrEnum):
    """What became of a setting."""

    CARRIED_OVER = "carried-over"
    REPLACED = "replaced"
    NOT_NEEDED = "not-needed"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The containerd to come.

    `kubelet`: the version that runs then (the same, unless it is upgraded along). `root`, `state`, `socket`:
    its own, or, `in_place`, those of the containerd that is there. `config_path`: where the new config.toml
    goes. `certs_dir`: folder for hosts.toml. `opt`: path of the opt plugin. `unit`: systemd's name for it.
    """

    containerd: Version
    kubelet: Version
    root: str
    state: str
    socket: str
    in_place: bool = False
    config_path: str = "/etc/containerd/config.toml"
    certs_dir: str = "/etc/containerd/certs.d"
    opt: str = "/opt/containerd"
    unit: str = "containerd.service"

    @property
    def line(self) -> tuple[int, int]:
        """Major and minor of the containerd."""
        return self.containerd.line

    @property
    def config_version(self) -> int:
        """The newest version of config.toml that it reads (containerd 2.0: 3; 2.3: 4)."""
        if self.line < (2, 0):
            return 2
        return 3 if self.line < (2, 3) else 4

    @property
    def endpoint(self) -> str:
        """What the kubelet is told."""
        return f"unix://{self.socket}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting. `value`: as it may be shown. `became`: the new setting and its value, "" if there is none.

    `source`: who says so (project, version, file). `code`: of the stop or warning, "" without one.
    """

    setting: str
    where: str
    value: str
    outcome: Outcome
    became: str
    why: str
    source: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to be written. `mode`: octal. `diff`: unified, against what stands there or is in force.

    `phase`: `stage` files disturb nothing while the old runtime serves; `switch` files (the kubelet's,
    crictl's) are written between the kubelet's stop and its start.
    """

    path: str
    mode: str
    content: str
    diff: str
    phase: Literal["stage", "switch"] = "stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A stop or a warning. `code`: `RPnnn`. `todo`: the next action."""

    code: str
    setting: str
    where: str
    why: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """The whole of it. Rows are sorted by where and setting; files by path.

    `endpoint`: for kubeadm's record, the Node's annotation `kubeadm.alpha.kubernetes.io/cri-socket`
    (a Node that has none gets none).
    `changed`: canonical paths that differ on purpose between the daemon before and the one to come.
    """

    node: str
    rows: tuple[Row, ...]
    files: tuple[NewFile, ...]
    stops: tuple[Notice, ...]
    warnings: tuple[Notice, ...]
    endpoint: str
    changed: tuple[tuple[str, ...], ...] = ()

    def row(self, setting: str) -> Row | None:
        """The first row of a setting, None if there is none."""
        return next((row for row in self.rows if row.setting == setting), None)
