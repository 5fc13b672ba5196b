"""Mirrors and TLS settings in containerd 1.x's config.toml as hosts.toml files.

containerd 2.x drops `configs.*.tls` without a word, and 2.4 ends `mirrors`. What both meant:
containerd 1.7.29, pkg/cri/server/image_pull.go registryHosts and registryEndpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdInForce
from replank.inventory.runtime.containerd_setting import IMAGES
from replank.inventory.runtime.registry_facts import RegistryHost, RegistryHosts
from replank.inventory.runtime.tree import Path, at
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.hosts_files import write_hosts
from replank.migrations.runtime_swap.translation.model import Outcome

REGISTRY: Final = ("plugins", IMAGES, "registry")
CONFIG_PATH: Final = (*REGISTRY, "config_path")
_SOURCE: Final = "containerd 1.7.29, pkg/cri/server/image_pull.go; 2.3.5, docs/hosts.md"
_PULL: Final = ("pull", "resolve")


def is_registry_host(path: Path) -> bool:
    """True for settings that are translated here: mirrors, and TLS of configs."""
    if path[:3] != REGISTRY or len(path) < 5:
        return False
    return path[3] == "mirrors" or (path[3] == "configs" and path[5:6] == ("tls",))


def translate_mirrors(draft: Draft, old: ContainerdInForce, rows: list[tuple[Path, str, JSON]]) -> None:
    """Rows, hosts.toml files and config_path for `rows` (path, shown name, value), in force before."""
    if at(old.tree, CONFIG_PATH) and any(path[3] == "mirrors" for path, _, _ in rows):
        for path, name, value in rows:
            draft.stop(
                "RP444",
                name,
                "config.toml",
                shown(value),
                why=f"{path[3]} stands beside config_path: containerd boots and serves no CRI with both.",
                todo="Remove one of the two; hosts.toml files say what mirrors says.",
                source="containerd 1.7.29, pkg/cri/config/config.go ValidatePluginConfig",
            )
        return
    origins = dict(old.origins)
    for path, name, value in rows:
        draft.changed.add(path)
        draft.row(
            name,
            origins.get(path, "containerd config dump"),
            shown(value),
            Outcome.REPLACED,
            became=f"{draft.target.certs_dir}/<registry>/hosts.toml",
            why="containerd 2.x drops TLS settings of config.toml silently, and mirrors end with 2.4.",
            source=_SOURCE,
        )
    registry = at(old.tree, REGISTRY)
    table = registry if isinstance(registry, dict) else {}
    for hosts in _hosts(_table(table.get("mirrors")), _table(table.get("configs")), draft.target.certs_dir):
        write_hosts(draft, hosts)
    draft.set(CONFIG_PATH, draft.target.certs_dir)
    draft.changed.add(CONFIG_PATH)


def _table(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _hosts(mirrors: Mapping[str, JSON], configs: Mapping[str, JSON], folder: str) -> list[RegistryHosts]:
    """One file for each registry that mirrors or configs name; `*` becomes `_default`."""
    with_tls = {name for name, entry in configs.items() if isinstance(_table(entry).get("tls"), dict)}
    found = []
    for name in sorted(set(mirrors) | with_tls):
        entry = mirrors.get(name, mirrors.get("*", {}))
        endpoint = _table(entry).get("endpoint")
        endpoints = [_with_scheme(shown(one)) for one in endpoint] if isinstance(endpoint, list) else []
        namespace = "_default" if name == "*" else name
        own = [one for one in endpoints if one.partition("://")[2].partition("/")[0] == name]
        server = own[-1] if own else _default_server(namespace)
        others = [one for one in endpoints if one != server]
        found.append(
            RegistryHosts(
                namespace=namespace,
                path=f"{folder}/{namespace}/hosts.toml",
                server=_host(server, configs, capabilities=()),
                hosts=tuple(_host(one, configs, capabilities=_PULL) for one in others),
            )
        )
    return found


def _with_scheme(endpoint: str) -> str:
    if "://" in endpoint:
        return endpoint
    host = endpoint.partition("/")[0].partition(":")[0]
    return f"{'http' if host in ('localhost', '127.0.0.1', '::1') else 'https'}://{endpoint}"


def _default_server(namespace: str) -> str:
    if namespace == "_default":
        return ""
    return _with_scheme("registry-1.docker.io" if namespace == "docker.io" else namespace)


def _host(url: str, configs: Mapping[str, JSON], *, capabilities: tuple[str, ...]) -> RegistryHost:
    """TLS settings go by the endpoint's host, and only with HTTPS (else it would be tried as HTTPS)."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    tls = _table(_table(configs.get(host)).get("tls")) if scheme == "https" else {}
    ca, certificate, key = (shown(tls.get(name)) for name in ("ca_file", "cert_file", "key_file"))
    return RegistryHost(
        url=url,
        capabilities=capabilities,
        ca=(ca,) if ca else (),
        client=((certificate, key),) if certificate else (),
        skip_verify=True if tls.get("insecure_skip_verify") is True else None,
        # A path in mirrors was the API's root as it stood; hosts.toml would put /v2 behind it.
        override_path=bool(slash and path) and not path.rstrip("/").endswith("v2"),
    )
