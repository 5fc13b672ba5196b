"""Single settings of a containerd, as they are in force."""

from __future__ import annotations

from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration, ContainerdInForce
from replank.inventory.runtime.containerd_merge import in_force
from replank.inventory.runtime.containerd_setting import IMAGES, RUNTIME, Line
from replank.inventory.runtime.containerd_settings import default_of
from replank.inventory.runtime.tree import Path, at

_RUNTIMES: Final = ("plugins", RUNTIME, "containerd")


class Effective:
    """What a containerd of `line` runs with: its own word, else its files as it merges them.

    Raises `Refused` RP474 where it would not start on the files.
    """

    def __init__(self, configuration: ContainerdConfiguration, line: Line) -> None:
        dump = configuration.dump
        self._line = line
        self._tree: ContainerdInForce = (
            in_force(configuration.files, line) if isinstance(dump, Unknown) else dump
        )

    def text(self, path: Path, default: str) -> str:
        """A text that is set, else containerd's default, else `default`."""
        value = self._value(path)
        return value if isinstance(value, str) and value else default

    @property
    def root(self) -> str:
        return self.text(("root",), "/var/lib/containerd")

    @property
    def state(self) -> str:
        return self.text(("state",), "/run/containerd")

    @property
    def snapshotter(self) -> str:
        return self.text(("plugins", IMAGES, "snapshotter"), "overlayfs")

    @property
    def sandbox_image(self) -> str:
        """ "" where nothing names one."""
        return self.text(("plugins", IMAGES, "pinned_images", "sandbox"), "")

    @property
    def cgroup_driver(self) -> str:
        """systemd | cgroupfs, of the runtime that pods get by default."""
        name = self.text((*_RUNTIMES, "default_runtime_name"), "runc")
        systemd = self._value((*_RUNTIMES, "runtimes", name, "options", "SystemdCgroup"))
        return "systemd" if systemd is True else "cgroupfs"

    @property
    def cni_conf_dir(self) -> str:
        return self.text(("plugins", RUNTIME, "cni", "conf_dir"), "/etc/cni/net.d")

    @property
    def cni_bin_dirs(self) -> tuple[str, ...]:
        value = self._value(("plugins", RUNTIME, "cni", "bin_dirs"))
        found = tuple(str(path) for path in value) if isinstance(value, list) else ()
        return found or ("/opt/cni/bin",)

    @property
    def certs_dirs(self) -> tuple[str, ...]:
        """Folders of hosts.toml files: `config_path`, parted by colons."""
        text = self.text(("plugins", IMAGES, "registry", "config_path"), "")
        return tuple(path.rstrip("/") for path in text.split(":") if path.startswith("/"))

    def _value(self, path: Path) -> JSON:
        value = at(self._tree.tree, path)
        return default_of(path, self._line) if value is None else value
