"""What `systemctl show` says of a runtime's unit: proxies, limits, and the files that make it up."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

from replank.inventory.hosts.kubelet import parse_environment
from replank.inventory.runtime.facts import ProxySetting, UnitLimit
from replank.inventory.runtime.refusals import not_understood
from replank.inventory.runtime.withheld import without_login

PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
LIMITS: Final = (
    *("LimitNOFILE", "LimitNPROC", "LimitCORE", "LimitMEMLOCK", "LimitSTACK", "LimitRTPRIO", "LimitNICE"),
    *("LimitAS", "LimitCPU", "LimitDATA", "LimitFSIZE", "LimitLOCKS", "LimitMSGQUEUE", "LimitRSS"),
    *("LimitRTTIME", "LimitSIGPENDING"),
)
_LIMIT: Final = re.compile(r"infinity|[0-9]{1,20}", re.ASCII)


def parse_properties(text: str) -> dict[str, str]:
    """`systemctl show` as names and values. Raises `Refused` RP478 for a line that is no property."""
    properties: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if line and (not equals or not name.isidentifier()):
            raise not_understood("RP478", "systemctl show", "a line is no property", _TODO)
        if line:
            properties[name] = value
    return properties


def unit_limits(properties: Mapping[str, str]) -> tuple[UnitLimit, ...]:
    """Limits that containers inherit, in systemd's names: `1024:524288` (soft:hard), or one for both.

    systemd shows the soft limit as `LimitNOFILESoft` (systemd.exec(5)). Raises `Refused` RP478.
    """
    limits: list[UnitLimit] = []
    for name in LIMITS:
        hard, soft = properties.get(name, ""), properties.get(f"{name}Soft", "")
        if not hard:
            continue
        if not _LIMIT.fullmatch(hard) or (soft and not _LIMIT.fullmatch(soft)):
            raise not_understood("RP478", "systemctl show", f"{name} is no limit", _TODO)
        value = f"{soft}:{hard}" if soft and soft != hard else hard
        limits.append(UnitLimit(name=name, value=value))
    return tuple(limits)


def unit_proxies(properties: Mapping[str, str], *, where: str) -> tuple[ProxySetting, ...]:
    """The proxies in a unit's Environment=, by name, without logins. `where`: the unit or drop-in.

    All other variables are left out. Raises `Refused` RP478.
    """
    try:
        words = shlex.split(properties.get("Environment", ""))
    except ValueError as error:
        raise not_understood("RP478", "systemctl show", "the quotes of Environment do not match") from error
    pairs = dict(word.partition("=")[::2] for word in words)
    return _proxies(pairs, where=where, kind="environment")


def file_proxies(text: str, *, path: str) -> tuple[ProxySetting, ...]:
    """The proxies in an EnvironmentFile. Raises `Refused` RP087."""
    return _proxies(parse_environment(text, path=path), where=path, kind="environment-file")


def _proxies(pairs: Mapping[str, str], *, where: str, kind: str) -> tuple[ProxySetting, ...]:
    """Upper case is read first, then lower case (golang.org/x/net/http/httpproxy, FromEnvironment)."""
    found: list[ProxySetting] = []
    for name in PROXIES:
        value = pairs.get(name) or pairs.get(name.lower(), "")
        if value:
            clean, login = without_login(value)
            from_file = kind == "environment-file"
            found.append(
                ProxySetting(
                    name=name,
                    value=clean,
                    where=where,
                    kind="environment-file" if from_file else "environment",
                    login=login,
                )
            )
    return tuple(found)


_TODO: Final = "Report it with the node's systemd version; the fact stays unknown until then."
