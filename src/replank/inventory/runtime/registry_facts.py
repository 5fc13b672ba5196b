"""How a node's runtime reaches registries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHost:
    """One `[host."url"]` table of hosts.toml, or its root table. Empty: containerd's default.

    `url`: without login. `ca`: paths. `client`: pairs of paths, certificate and key ("" = in one file).
    `headers`: names only.
    """

    url: str
    capabilities: tuple[str, ...] = ()
    ca: tuple[str, ...] = ()
    client: tuple[tuple[str, str], ...] = ()
    skip_verify: bool | None = None
    override_path: bool = False
    dial_timeout: str = ""
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHosts:
    """A hosts.toml. `namespace`: the folder's name, the registry that images name (`_default`: all others).

    `server`: what is asked last; its `url` "" is the registry itself. `login`: a URL held a login.
    """

    namespace: str
    path: str
    server: RegistryHost
    hosts: tuple[RegistryHost, ...] = ()
    login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryCertificates:
    """A folder of Docker's certs.d. `ca`: *.crt. `client`: pairs of *.cert and *.key. Paths only."""

    registry: str
    path: str
    ca: tuple[str, ...] = ()
    client: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """That there is a login for a registry, and in which file; never the login. `registry` "": not said."""

    registry: str
    where: str
