"""Docker's configuration: daemon.json and dockerd's flags as one list of settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from replank.inventory.facts.json_value import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerSetting:
    """One setting. `key`: as daemon.json calls it (`log-opts`), whichever way it was set.

    `where`: the file's path, or `dockerd --log-opt`. `value`: without logins; what replank does not know is
    the text `(withheld)`. `withheld`: names inside the value whose content was dropped. `known` False: no
    dockerd from 20.10 to 28 has such a key, or replank does not know it.
    """

    key: str
    where: str
    value: JSON
    withheld: tuple[str, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerConfiguration:
    """What dockerd runs with. Sorted by key, then by where."""

    settings: tuple[DockerSetting, ...] = field(default=())

    def find(self, key: str) -> DockerSetting | None:
        """The setting `key`, None if nobody set it."""
        return next((setting for setting in self.settings if setting.key == key), None)
