"""A commit removes Docker's packages where that takes nothing else along, and says so in the plan."""

from __future__ import annotations

from typing import Any

import pytest
from test_swap_plan import on_containerd, planned, with_first

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import Package
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.migrations.runtime_swap.giving_up import removals


def package(name: str, *, held: bool = False) -> Package:
    return Package(name=name, version="1", held=held)


def commands(*packages: Package, offered: Any = ()) -> tuple[tuple[str, ...], ...]:
    snapshot = with_first(snapshot_of(healthy_on_docker()), packages=packages, offered=offered)
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    return removals(snapshot.runtimes.nodes[0])


APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "remove")


def test_dockers_packages_go_and_what_brings_runc_is_kept_from_being_taken_along() -> None:
    docker_ce = (package("containerd.io"), package("docker-ce"), package("docker-ce-cli"), package("kubelet"))
    assert commands(*docker_ce) == (
        ("apt-mark", "manual", "containerd.io"),
        (*APT, "docker-ce", "docker-ce-cli"),
    )
    debian = (package("containerd"), package("docker.io"), package("runc"))
    assert commands(*debian) == (("apt-mark", "manual", "containerd", "runc"), (*APT, "docker.io"))


@pytest.mark.parametrize("held", ["docker-ce", "containerd.io"])
def test_a_hold_is_respected(held: str) -> None:
    assert commands(*(package(n, held=n == held) for n in ("containerd.io", "docker-ce"))) == ()


def test_nothing_is_removed_without_apt_or_where_nobody_knows() -> None:
    docker = package("docker-ce")
    assert commands(docker, offered=None) == ()
    assert commands(docker, offered=Unknown("apt-cache failed")) == ()
    assert commands(package("kubelet")) == ()


@pytest.mark.parametrize(
    ("shim", "units"),
    [
        ("dockershim", ["docker.socket", "docker.service"]),
        ("cri-dockerd", ["cri-docker.socket", "cri-docker.service", "docker.socket", "docker.service"]),
    ],
)
def test_what_speaks_for_docker_is_switched_off_with_it(shim: str, units: list[str]) -> None:
    docker = snapshot_of(healthy_on_docker())
    assert isinstance(docker.runtimes, RuntimeFacts)
    first = docker.runtimes.nodes[0].node
    plan = planned(with_first(docker, shim=shim))
    (node,) = [node for node in plan.nodes if node.node == first]
    switch: Any = node.instructions["switch"]
    assert switch["docker"]["units"] == units


def says(snapshot: Snapshot) -> str:
    """Of the commit of the Node that stands first in the facts."""
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    first = snapshot.runtimes.nodes[0].node
    steps = [step for stage in planned(snapshot).stages for step in stage.steps]
    return next(s.says for s in steps if s.kind == "runtime.commit" and s.params["node"] == first)


def test_the_plan_says_what_goes() -> None:
    docker = snapshot_of(healthy_on_docker())
    packages = (package("containerd.io"), package("docker-ce"))
    told = says(with_first(docker, packages=packages, offered=()))
    assert "`apt-mark manual containerd.io`" in told
    assert "remove docker-ce`" in told
    assert "its packages stay" in says(with_first(docker, packages=packages, offered=None))
    assert "Docker" not in says(on_containerd())
