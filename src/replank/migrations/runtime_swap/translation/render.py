"""The new configuration as files: config.toml, hosts.toml, systemd's drop-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tomli_w

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_homes import home_in, value_in
from replank.inventory.runtime.registry_facts import RegistryHost, RegistryHosts
from replank.inventory.runtime.tree import Path, Table, leaves, put

HEADER = "# Written by replank from the settings of the runtime before; the plan says where each came from.\n"
_TOP = ("version", "imports", "root", "state", "temp", "oom_score", "disabled_plugins", "required_plugins")


def config_toml(
    tree: Mapping[str, JSON], *, version: int, line: tuple[int, int], imports: Sequence[str] = ()
) -> str:
    """config.toml of `version` for containerd `line`, of a canonical tree. Sorted, so always the same."""
    document: Table = {"version": version}
    if imports:
        document["imports"] = list(imports)
    for path, value in sorted(leaves(tree), key=lambda leaf: leaf[0]):
        home = home_in(path, version, line=line)
        put(document, home, value_in(home, value))
    ordered = {key: document[key] for key in _TOP if key in document}
    ordered.update(sorted((key, value) for key, value in document.items() if key not in ordered))
    return HEADER + tomli_w.dumps(ordered)


def hosts_toml(hosts: RegistryHosts) -> str:
    """A hosts.toml. The order of the hosts is the order in which they are asked."""
    document: Table = {"server": hosts.server.url} if hosts.server.url else {}
    document.update(_host(hosts.server))
    if hosts.hosts:
        document["host"] = {host.url: _host(host) for host in hosts.hosts}
    return HEADER + tomli_w.dumps(document)


def drop_in(lines: Sequence[str]) -> str:
    """A systemd drop-in for the new unit."""
    return HEADER + "[Service]\n" + "".join(f"{line}\n" for line in lines)


def environment_line(name: str, value: str) -> str:
    """`Environment="NAME=value"` with systemd's escapes (systemd.exec(5): quotes, backslash, percent)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'Environment="{name}={escaped}"'


def dotted_home(path: Path, *, version: int, line: tuple[int, int]) -> Path:
    """Where a canonical setting stands in the new config.toml."""
    return home_in(path, version, line=line)


def _host(host: RegistryHost) -> Table:
    table: Table = {}
    if host.capabilities:
        table["capabilities"] = list(host.capabilities)
    if host.ca:
        table["ca"] = list(host.ca)
    if host.client:
        table["client"] = [list(pair) for pair in host.client]
    if host.skip_verify is not None:
        table["skip_verify"] = host.skip_verify
    if host.override_path:
        table["override_path"] = True
    if host.dial_timeout:
        table["dial_timeout"] = host.dial_timeout
    return table
