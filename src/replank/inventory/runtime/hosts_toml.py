"""hosts.toml: how containerd reaches the registries of one namespace.

Source: containerd 2.3.5, core/remotes/docker/config/hosts.go parseHostsFile (1.7.29 reads the same but for
dial_timeout).
"""

from __future__ import annotations

from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_config import read_toml
from replank.inventory.runtime.refusals import not_understood
from replank.inventory.runtime.registry_facts import RegistryHost, RegistryHosts
from replank.inventory.runtime.withheld import without_login

_CAPABILITIES: Final = frozenset({"pull", "resolve", "push", "referrers"})
_HOST_KEYS: Final = frozenset(
    {"capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout"}
)


def parse_hosts(text: str, *, path: str) -> RegistryHosts:
    """A hosts.toml; its folder's name is the registry (`reg.example_5000_` is `reg.example:5000`).

    Header values are not kept. Raises `Refused` RP475: containerd would not read it, or replank does not know
    a key of it.
    """
    document = read_toml(text, path, "RP475")
    tables = document.pop("host", {})
    server = document.pop("server", "")
    if not isinstance(tables, dict) or not isinstance(server, str):
        raise not_understood("RP475", path, "`host` or `server` is not what it should be")
    root, login = _host(server, document, path)
    hosts = []
    for url, table in tables.items():
        if not isinstance(table, dict):
            raise not_understood("RP475", path, "a `host` is no table")
        host, with_login = _host(url, table, path)
        hosts.append(host)
        login = login or with_login
    return RegistryHosts(
        namespace=namespace_of(path), path=path, server=root, hosts=tuple(hosts), login=login
    )


def namespace_of(path: str) -> str:
    """The registry whose folder `path` lies in."""
    folder = path.rstrip("/").rpartition("/")[0].rpartition("/")[2]
    if folder.endswith("_") and "_" in folder[:-1]:
        host, _, port = folder[:-1].rpartition("_")
        if port.isdecimal():
            return f"{host}:{port}"
    return folder


def _host(url: str, table: dict[str, JSON], path: str) -> tuple[RegistryHost, bool]:
    if strange := sorted(set(table) - _HOST_KEYS):
        raise not_understood("RP475", path, f"replank does not know {', '.join(strange)}")
    clean, login = without_login(url)
    capabilities = tuple(text.lower() for text in _texts(table.get("capabilities", []), path))
    if not set(capabilities) <= _CAPABILITIES:
        raise not_understood("RP475", path, "a capability is none of pull, resolve, push, referrers")
    skip, override = table.get("skip_verify"), table.get("override_path", False)
    timeout, header = table.get("dial_timeout", ""), table.get("header", {})
    if not isinstance(skip, bool | None) or not isinstance(override, bool):
        raise not_understood("RP475", path, "skip_verify or override_path is not true or false")
    if not isinstance(timeout, str) or not isinstance(header, dict):
        raise not_understood("RP475", path, "dial_timeout is no text, or header no table")
    host = RegistryHost(
        url=clean,
        capabilities=capabilities,
        ca=_one_or_more(table.get("ca", []), path),
        client=_pairs(table.get("client", []), path),
        skip_verify=skip,
        override_path=override,
        dial_timeout=timeout,
        headers=tuple(sorted(header)),
    )
    return host, login


def _texts(value: JSON, path: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise not_understood("RP475", path, "a list of texts is something else")
    return tuple(str(item) for item in value)


def _one_or_more(value: JSON, path: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _texts(value, path)


def _pairs(value: JSON, path: str) -> tuple[tuple[str, str], ...]:
    """`client`: a path, a list of paths, or a list of pairs of paths."""
    if isinstance(value, str):
        return ((value, ""),)
    if not isinstance(value, list):
        raise not_understood("RP475", path, "`client` is no path and no list")
    pairs = []
    for item in value:
        texts = (item,) if isinstance(item, str) else _texts(item, path)
        if len(texts) not in (1, 2):
            raise not_understood("RP475", path, "a pair in `client` is no pair")
        pairs.append((texts[0], texts[1] if len(texts) == 2 else ""))
    return tuple(pairs)
