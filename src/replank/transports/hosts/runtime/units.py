"""The units of the runtimes: proxies, limits and the files that make them up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.runtime.facts import ProxySetting, RuntimeFile, UnitLimit
from replank.inventory.runtime.systemd_unit import file_proxies, unit_limits, unit_proxies
from replank.inventory.runtime.units import ShownUnit, parse_units
from replank.transports.hosts.runtime.files import read_hashes, read_text
from replank.transports.hosts.session import HostSession

Units = Mapping[str, ShownUnit]
_OF_RUNTIME = {"docker": "docker.service", "containerd": "containerd.service", "cri-o": "crio.service"}


async def read_units(session: HostSession) -> Units:
    """What systemd shows of the runtimes' units, by name. Kept nowhere: an environment may hold secrets."""
    return parse_units(await session.text(runtime.UNIT_SETTINGS.call()))


async def read_proxies(session: HostSession, units: Units, name: str) -> tuple[ProxySetting, ...]:
    """The proxies of the runtime `name`, by which it pulls images."""
    unit = units.get(_OF_RUNTIME[name])
    if unit is None:
        return ()
    found = list(unit_proxies(unit.properties, where=unit.name))
    texts = await asyncio.gather(*(read_text(session, path) for path in unit.environment_files))
    for path, text in zip(unit.environment_files, texts, strict=True):
        found += file_proxies(text, path=path) if text is not None else ()
    return tuple(found)


def limits_of(units: Units, name: str) -> tuple[UnitLimit, ...]:
    """The limits that containers inherit. Docker's are started by a containerd: by the system's, if that
    runs, else by one below dockerd."""
    containerd = units.get("containerd.service")
    own = units.get(_OF_RUNTIME[name])
    unit = containerd if containerd is not None and containerd.main_pid else own
    return unit_limits(unit.properties) if unit is not None else ()


async def read_files(
    session: HostSession, units: Units, configuration: Iterable[str]
) -> tuple[RuntimeFile, ...]:
    """Unit files, drop-ins and the runtime's configuration files, by their hashes."""
    of_units = [path for unit in units.values() if unit.loaded for path in unit.files]
    return await read_hashes(session, (*of_units, *configuration))
