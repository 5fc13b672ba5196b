"""The system's containerd: which program its unit starts, with which shim, and what is in force."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import tomli_w

from replank.testbed.node.state import version_of
from replank.testbed.node.systemd import CONTAINERD, Answer, Systemd

_SHIM = "containerd-shim-runc-v2"
_UNIT_FOLDERS = ("etc/systemd/system", "usr/lib/systemd/system")


class Containerd(Systemd):
    """Its programs are files that name their version; what they would do is done here."""

    def command_line(self, unit: str = CONTAINERD) -> list[str]:
        """Program and arguments by the unit that systemd has loaded: a drop-in's ExecStart wins."""
        texts = [p.read_text() for p in (self.path(f) / unit for f in _UNIT_FOLDERS) if p.is_file()]
        text = self.inside("\n".join([*texts[:1], self.drop_in if unit == CONTAINERD else ""]))
        lines = re.findall(r"^ExecStart=(\S.*)$", text, re.MULTILINE)
        return lines[-1].split() if lines else []

    def start_daemon(self) -> bool:
        """An old one kills what a new shim runs. False: no such program, no such configuration."""
        words = self.command_line()
        self.daemon = version_of(self.path(words[0])) if words else ""
        config = words[words.index("--config") + 1] if "--config" in words else ""
        if not self.daemon or (config and not self.path(config).is_file()):
            return False
        for one in self.cri:
            if is_first(self.daemon) and not is_first(one.get("shim", "")):
                one["up"] = False
        return f"containerd {self.daemon}" not in self.broken

    def search_path(self) -> list[str]:
        """The daemon's PATH as the drop-in sets it, in order; nothing: it has systemd's own."""
        found = re.findall(r"^Environment=PATH=(.*)$", self.inside(self.drop_in), re.MULTILINE)
        return found[-1].split(":") if found else []

    def shim(self) -> str:
        """Version of the shim that starts new pods: the first in the PATH, else the one beside the daemon."""
        programs = [self.path(folder) / _SHIM for folder in self.search_path()]
        return next((version_of(p) for p in programs if p.exists()), self.daemon)

    def do_containerd(self, words: list[str]) -> Answer:
        """`containerd --config FILE config dump`: what the file says. Defaults are left out."""
        config = Path(words[1])
        if not config.exists():
            return 1, f"no file {config}"
        try:
            return 0, tomli_w.dumps(tomllib.loads(config.read_text()))
        except tomllib.TOMLDecodeError as error:
            return 1, f"containerd: failed to load TOML: {config}: {error}"

    do_containerd_old = do_containerd


def is_first(version: str) -> bool:
    """True for a 1.x, and for containers that no containerd of the system has started."""
    return not version or version.startswith("1.")
