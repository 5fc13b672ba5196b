"""Runs commands of the node's part in this process, on a world; and ends them anywhere, as `kill -9` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from node_plans import in_place, put_plan, switch, tree

from replank.migrations.runtime_swap.node import swap_node
from replank.testbed.node.state import NET
from replank.testbed.node.world import Killed, World

MAKERS: dict[str, Callable[[Path], tuple[World, dict[str, Any]]]] = {"in-place": in_place, "switch": switch}


class Runs:
    """One node and its part of the work."""

    def __init__(self, world: World, plan: dict[str, Any]) -> None:
        self.world, self.plan = world, plan
        self.base = world.path("base")
        put_plan(world, plan)
        self.before = tree(world)
        self.enabled = {name: unit["enabled"] for name, unit in world.units.items()}
        self.pids = {c["id"]: c["pid"] for c in world.cri if c["up"]}

    def do(self, command: str, verb: str = "run") -> dict[str, Any]:
        """One command; the JSON that it prints."""
        return swap_node.answer(command, verb, self.base, self.world)[1]

    def seen(self) -> dict[str, Any]:
        return swap_node.status(self.base, self.world)

    def reboot(self) -> None:
        self.world.reboot()

    def killed_at(self, command: str, number: int) -> str:
        """Kills `command` at its point `number` (from 0); the point's name, or nothing if it ended before.

        A point is after a program, a journal entry or a change of a file: nothing happens between two.
        """
        seen: list[str] = []

        def hook(point: str) -> None:
            if not point.startswith("before "):
                seen.append(point)
            if len(seen) == number + 1:
                raise Killed(point)

        with self.watched(hook):
            try:
                self.do(command)
            except Killed as killed:
                return str(killed)
        return ""

    @contextmanager
    def watched(self, hook: Callable[[str], None]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for owner, name in (
                (swap_node.Journal, "write"),
                (swap_node, "write_file"),
                (swap_node, "copy_exactly"),
                (swap_node, "remove_if_there"),
                (swap_node, "link_logs"),
                (swap_node.shutil, "rmtree"),
                (swap_node.Path, "chmod"),
            ):
                patch.setattr(owner, name, hooked(getattr(owner, name), name, hook))
            patch.setattr(self.world, "hook", hook)
            yield

    # ---- what has to be true

    def assert_undone(self) -> None:
        world = self.world
        kept = {k: v for k, v in tree(world).items() if "/opt/replank" not in k}
        assert kept == self.before
        assert {n: u["enabled"] for n, u in world.units.items() if n in self.enabled} == self.enabled
        assert not world.unit_file(swap_node.RESUME_UNIT).exists()
        self.assert_serving(world.docker if world.docker_images else world.cri)
        assert not [c for c in world.cri if c["up"]] or not world.docker_images
        assert not world.on("containerd-replank.service")

    def assert_swapped(self) -> None:
        world = self.world
        self.assert_serving(world.cri)
        assert not [c for c in world.docker if c["up"]]
        assert not world.on("docker.service")
        assert not world.on("docker.socket")

    def assert_serving(self, store: list[dict[str, Any]]) -> None:
        """Every pod runs once, each address belongs to a running sandbox, and each host port answers."""
        world = self.world
        world.tick()
        assert world.on("kubelet.service")
        running = [(c["uid"], c["name"]) for c in store if c["up"]]
        wanted = [(p["uid"], n) for p in world.pods for n in ["POD", *p["containers"]]]
        assert sorted(running) == sorted(wanted)
        sandboxes = {c["id"] for c in store if c["up"] and c["type"] == "podsandbox"}
        stored = [p.read_text().split("\n")[0] for p in world.path(f"var/lib/cni/networks/{NET}").iterdir()]
        assert sorted(stored) == sorted(sandboxes)
        assert all(world.answers("127.0.0.1", p["port"]) for p in world.pods if p.get("port"))

    def assert_nothing_armed(self) -> None:
        assert f"{swap_node.DEADLINE_UNIT}.timer" not in self.world.transient
        assert self.world.units.get(swap_node.RESUME_UNIT, {}).get("enabled", "disabled") == "disabled"


def hooked(function: Callable[..., Any], name: str, hook: Callable[[str], None]) -> Callable[..., Any]:
    def around(*given: Any, **named: Any) -> Any:
        result = function(*given, **named)
        hook(f"after {name}")
        return result

    return around


def journal(runs: Runs) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (runs.base / "journal").read_text().splitlines()]
