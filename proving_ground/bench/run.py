"""Starts the three sides, gives them blocks in turn, and adds up."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import docker

from proving_ground.bench.worlds import Source
from proving_ground.errors import GroundError
from proving_ground.management.plane import PROGRAMS, Plane
from replank.plan import codec

SIDES = ("replank", "bare", "asked")
"""The engine; the bare loop; the bare loop that asks for a dry run first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`clusters` of each side, in `blocks`, `parallel` clusters at once."""

    clusters: int
    blocks: int
    parallel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One side over all blocks. `server_cpu_s`: what API server, etcd and webhooks used meanwhile.
    `before_s`: wall seconds up to the Secrets, not in the rate. `rates`: objects a second of each block."""

    objects: int
    wall_s: float
    cpu_s: float
    server_cpu_s: float
    before_s: float
    peak_mib: float
    rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Objects a second."""
        return self.objects / self.wall_s


class _Side:
    """A process that answers a line for each line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def wait_ready(self) -> None:
        self._answer()

    def do(self, phase: str, names: list[str]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"phase": phase, "names": names}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise GroundError("benchmark", "a side ended", "Its error stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run(
    client: docker.DockerClient, plane: Plane, size: Size, tell: Callable[[str], None]
) -> dict[str, Total]:
    """Side -> its total. The plane must be idle, and keeps the objects. Raises `GroundError`."""
    stamp = time.strftime("%H%M%S")
    names = {side: [f"{side}-{stamp}-{number:03d}" for number in range(size.clusters)] for side in SIDES}
    rows: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="replank-bench-") as folder, ExitStack() as stack:
        commands = _prepare(Path(folder), plane, size, names["replank"])
        sides = {side: stack.enter_context(_started(commands[side])) for side in SIDES}
        for side in sides.values():
            side.wait_ready()
        for number, block in enumerate(_blocks(size)):
            # Turn about, so that none is always first or always meets the fuller etcd.
            order = SIDES if number % 2 == 0 else tuple(reversed(SIDES))
            for name in order:
                begun = sides[name].do("begin", names[name][block])
                before = _server_cpu_s(client, plane)
                row = sides[name].do("write", names[name][block])
                row["before_s"] = begun["wall_s"]
                row["server_cpu_s"] = _server_cpu_s(client, plane) - before
                rows[name].append(row)
                tell(f"block {number + 1} of {size.blocks}, {name}: {row['objects'] / row['wall_s']:.1f}/s")
    return {side: _total(rows[side]) for side in SIDES}


def _prepare(folder: Path, plane: Plane, size: Size, names: list[str]) -> Mapping[str, list[str]]:
    """Plans as files, as `replank apply` gets them; the sides' command lines."""
    source, plans = folder / "source", folder / "plans"
    made = Source.survey()
    made.keep(source)
    plans.mkdir()
    for name in names:
        (plans / f"{name}.yaml").write_text(codec.dump(made.plan(name)))
    kubeconfig, parallel = str(plane.kubeconfig), ["--parallel", str(size.parallel)]
    python = [sys.executable, "-m"]
    bare = [*python, "proving_ground.bench.bare_side", str(source), kubeconfig, *parallel]
    journal = folder / "journal.db"
    engine = [*python, "proving_ground.bench.engine_side", str(source), str(plans), kubeconfig, str(journal)]
    return {"replank": [*engine, *parallel], "bare": bare, "asked": [*bare, "--dry-run"]}


def _blocks(size: Size) -> Iterator[slice]:
    edges = [size.clusters * number // size.blocks for number in range(size.blocks + 1)]
    for first, last in pairwise(edges):
        if last > first:
            yield slice(first, last)


@contextmanager
def _started(command: list[str]) -> Iterator[_Side]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _Side(process)
        except BaseException:
            process.kill()
            raise


def _server_cpu_s(client: docker.DockerClient, plane: Plane) -> float:
    used = 0
    for program in PROGRAMS:
        stats: Any = client.containers.get(f"ground-{plane.part(program)}").stats(stream=False, one_shot=True)
        used += stats["cpu_stats"]["cpu_usage"]["total_usage"]
    return used / 1e9


def _total(rows: list[dict[str, Any]]) -> Total:
    return Total(
        objects=sum(row["objects"] for row in rows),
        wall_s=sum(row["wall_s"] for row in rows),
        cpu_s=sum(row["cpu_s"] for row in rows),
        server_cpu_s=sum(row["server_cpu_s"] for row in rows),
        before_s=sum(row["before_s"] for row in rows),
        peak_mib=max(row["peak_mib"] for row in rows),
        rates=tuple(round(row["objects"] / row["wall_s"], 1) for row in rows),
    )
