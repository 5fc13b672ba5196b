"""Docker's mirrors, insecure registries and certificates as hosts.toml files."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from replank.inventory.runtime.containerd_setting import IMAGES
from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.inventory.runtime.registry_facts import RegistryCertificates, RegistryHost, RegistryHosts
from replank.migrations.runtime_swap.translation.docker_defaults import not_needed, stop
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.hosts_files import write_hosts
from replank.migrations.runtime_swap.translation.model import Outcome

DOCKER_HUB: Final = "docker.io"
_HUB_SERVER: Final = "https://registry-1.docker.io"
_PULL: Final = ("pull", "resolve")
_SOURCE: Final = "containerd, docs/hosts.md; moby, registry/config.go and registry/service_v2.go"


@dataclass(slots=True)
class _Registries:
    """What was gathered: insecure hosts, certificates by registry."""

    insecure: set[str] = field(default_factory=set)
    certificates: dict[str, RegistryCertificates] = field(default_factory=dict)

    def host(self, url: str, name: str) -> RegistryHost:
        """The table for one URL of registry `name`."""
        own = self.certificates.get(name)
        https = url.startswith("https://")
        return RegistryHost(
            url=url,
            capabilities=_PULL,
            ca=own.ca if own is not None and https else (),
            client=own.client if own is not None and https else (),
            skip_verify=True if name in self.insecure and https else None,
        )


def translate_registries(draft: Draft, docker: DockerConfiguration) -> None:
    """Rows for mirrors, insecure registries and certs.d; hosts.toml files; config_path."""
    certificates = draft.seen(draft.node.registry_certificates, "Docker's certificates of registries") or ()
    gathered = _Registries(certificates={own.registry: own for own in certificates})
    for setting in docker.settings:
        if setting.key == "insecure-registries":
            _insecure(draft, setting, gathered)
    mirrors = [s for s in docker.settings if s.key == "registry-mirrors"]
    for setting in mirrors:
        _mirrors(draft, setting, gathered)
    for name in sorted(gathered.insecure - ({DOCKER_HUB} if mirrors else set())):
        hosts = (gathered.host(f"https://{name}", name), gathered.host(f"http://{name}", name))
        _write(draft, name, f"http://{name}", hosts[:1])
    for own in certificates:
        _certificates(draft, own, written=own.registry in gathered.insecure)
    _already_there(draft, {DOCKER_HUB, *gathered.insecure} if mirrors else gathered.insecure)
    paths = (draft.target.certs_dir, *(("/etc/docker/certs.d",) if certificates else ()))
    draft.set(("plugins", IMAGES, "registry", "config_path"), ":".join(paths))


def _insecure(draft: Draft, setting: DockerSetting, gathered: _Registries) -> None:
    for text in setting.value if isinstance(setting.value, list) else ():
        name = shown(text)
        one = DockerSetting(key=setting.key, where=setting.where, value=name)
        network = _network(name)
        if network is None:
            bare = name.removeprefix("http://").removeprefix("https://").rstrip("/")
            gathered.insecure.add(bare)
            draft.row(
                setting.key,
                setting.where,
                name,
                Outcome.REPLACED,
                became=f"{draft.target.certs_dir}/{bare}/hosts.toml",
                why="HTTPS without a check of the certificate first, then HTTP, as Docker does.",
                source=_SOURCE,
            )
        elif network.is_loopback:
            not_needed(
                draft, one, "containerd takes registries on the node itself without TLS, too.", _SOURCE
            )
        else:
            stop(
                draft,
                one,
                "RP451",
                "Docker takes every registry in this network without TLS; containerd wants each by its name.",
                "Name the registries there (host:port) in insecure-registries instead of the network.",
                _SOURCE,
            )


def _mirrors(draft: Draft, setting: DockerSetting, gathered: _Registries) -> None:
    if setting.withheld:
        stop(
            draft,
            setting,
            "RP442",
            "A mirror's URL holds a login, and replank carries no secrets.",
            "Use imagePullSecrets or a kubelet credential provider, and take it out of the URL.",
            _SOURCE,
        )
        return
    hosts = []
    for text in setting.value if isinstance(setting.value, list) else ():
        url = shown(text).rstrip("/")
        url = url if "://" in url else f"https://{url}"
        hosts.append(gathered.host(url, url.partition("://")[2].partition("/")[0]))
        draft.row(
            setting.key,
            setting.where,
            shown(text),
            Outcome.REPLACED,
            became=f"{draft.target.certs_dir}/{DOCKER_HUB}/hosts.toml",
            why="Docker's mirrors are Docker Hub's alone, and Docker Hub is asked last.",
            source=_SOURCE,
        )
    if hosts:
        _write(draft, DOCKER_HUB, _HUB_SERVER, tuple(hosts))


def _write(draft: Draft, name: str, server: str, hosts: tuple[RegistryHost, ...]) -> None:
    path = f"{draft.target.certs_dir}/{name}/hosts.toml"
    write_hosts(draft, RegistryHosts(namespace=name, path=path, server=RegistryHost(url=server), hosts=hosts))


def _already_there(draft: Draft, translated: set[str]) -> None:
    """hosts.toml files that Docker never read and the new containerd will."""
    for hosts in draft.seen(draft.node.registry_hosts, "hosts.toml files") or ():
        if hosts.namespace in translated or not hosts.path.startswith(f"{draft.target.certs_dir}/"):
            continue
        draft.row(
            f"hosts.toml of {hosts.namespace}",
            hosts.path,
            "there already",
            Outcome.CARRIED_OVER,
            became="read by the new containerd",
            why="It lies in the folder that the new containerd reads.",
            source=_SOURCE,
            code="RP468",
        )
        draft.warn(
            "RP468",
            f"hosts.toml of {hosts.namespace}",
            hosts.path,
            why="Docker did not read this file, and the new containerd will.",
            todo="Look whether it says what you want, or remove it.",
        )


def _certificates(draft: Draft, own: RegistryCertificates, *, written: bool) -> None:
    became = "named in its hosts.toml" if written else "config_path reads /etc/docker/certs.d, too"
    draft.row(
        f"certs.d/{own.registry}",
        own.path,
        f"{len(own.ca)} CA, {len(own.client)} client certificates",
        Outcome.CARRIED_OVER,
        became=became,
        why="containerd reads Docker's layout where a registry has no hosts.toml. The folder must stay when "
        "Docker goes.",
        source=_SOURCE,
    )


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """The network that `10.0.0.0/8` names; None for a host."""
    try:
        return ip_network(text, strict=False) if "/" in text and "://" not in text else None
    except ValueError:
        return None
