"""The facts that each kind of runtime tells in its own way."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from replank.domain.unknown import Fact, Unknown
from replank.inventory.runtime.facts import ImageInUse, OtherContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """As fields of `NodeRuntime`. `cni_conf_dir`: where the runtime looks for CNI configuration.
    `hosts_dirs`: folders of hosts.toml files that are in force."""

    version: Fact[str]
    storage_driver: Fact[str]
    data_root: Fact[str]
    state_dir: Fact[str]
    cgroup_driver: Fact[str]
    sandbox_image: Fact[str]
    images: Fact[tuple[ImageInUse, ...]]
    other_containers: Fact[tuple[OtherContainer, ...]]
    deprecations: Fact[tuple[str, ...]]
    cni_conf_dir: Fact[str]
    cni_bin_dirs: Fact[tuple[str, ...]]
    hosts_dirs: Fact[tuple[str, ...]]


def unread(why: Unknown) -> Side:
    """A runtime that was not told, or that replank does not read."""
    facts: dict[str, Any] = {field.name: why for field in fields(Side)}
    return Side(**facts)
