"""Several units in one answer of `systemctl show`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from replank.inventory.runtime.systemd_unit import parse_properties

_FILES = "EnvironmentFiles="


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUnit:
    """One unit. `properties`: as systemd shows them; they may hold secrets and are kept nowhere.

    `environment_files`: paths that systemd reads (patterns left out). `main_pid`: "" if nothing runs.
    """

    name: str
    properties: Mapping[str, str]
    environment_files: tuple[str, ...]

    @property
    def loaded(self) -> bool:
        """There is such a unit."""
        return self.properties.get("LoadState") == "loaded"

    @property
    def main_pid(self) -> str:
        """The process number of its main process."""
        pid = self.properties.get("MainPID", "0")
        return "" if pid == "0" else pid

    @property
    def files(self) -> tuple[str, ...]:
        """The unit file and its drop-ins, in systemd's order."""
        words = [self.properties.get("FragmentPath", ""), *self.properties.get("DropInPaths", "").split()]
        return tuple(word for word in words if word.startswith("/"))


def parse_units(text: str) -> dict[str, ShownUnit]:
    """The units of `systemctl show A B ... --property=Id,...`, which parts them by an empty line.

    A unit that is not there is shown, too, with LoadState=not-found. Raises `Refused` RP478.
    """
    units: dict[str, ShownUnit] = {}
    for block in text.split("\n\n"):
        if not block.strip():
            continue
        properties = parse_properties(block)
        # The property stands once for each file, as `path (ignore_errors=yes)`.
        named = [line[len(_FILES) :].split()[:1] for line in block.splitlines() if line.startswith(_FILES)]
        paths = tuple(word for words in named for word in words if word.startswith("/") and "*" not in word)
        name = properties.get("Id", "")
        units[name] = ShownUnit(name=name, properties=properties, environment_files=paths)
    return units
