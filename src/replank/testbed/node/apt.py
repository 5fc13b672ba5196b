"""The node's package manager, as far as a swap asks it: it fetches and unpacks, and never installs."""

from __future__ import annotations

import json
from pathlib import Path

from replank.testbed.node.state import NodeState
from replank.testbed.node.systemd import Answer


class Apt(NodeState):
    """`debs`: what can be fetched. `offline`: no archive answers."""

    offline = False

    def do_env(self, words: list[str]) -> Answer:
        """`env --chdir=FOLDER apt-get ... download NAME=VERSION`."""
        option, program, *rest = words
        folder = option.removeprefix("--chdir=")
        if program != "apt-get" or folder == option or "download" not in rest:
            return 127, f"env: '{program}': No such file or directory"
        wanted = rest[-1]
        name, _, version = wanted.partition("=")
        if wanted not in self.debs:
            return 100, f"E: Version '{version}' for '{name}' was not found"
        if self.offline:
            return 100, f"E: Failed to fetch http://deb.example/{name}_{version}.deb  Could not connect"
        (Path(folder) / f"{name}_{version.replace(':', '%3a')}_amd64.deb").write_bytes(self.debs[wanted])
        return 0, ""

    def do_apt_get(self, words: list[str]) -> Answer:
        """What else it is told always succeeds, and is kept in `dpkg` where it takes a package away."""
        if "remove" in words:
            self.dpkg = {name: line for name, line in self.dpkg.items() if name not in words}
        return 0, ""

    def do_dpkg_deb(self, words: list[str]) -> Answer:
        """`dpkg-deb -x DEB FOLDER`, of stand-ins (`testbed.node.bundle.stand_in_deb`)."""
        option, deb, folder = words
        try:
            files = json.loads(Path(deb).read_bytes())
        except ValueError:
            return 2, f"dpkg-deb: error: '{deb}' is not a Debian format archive"
        for name, text in files.items() if option == "-x" else ():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return 0, ""
