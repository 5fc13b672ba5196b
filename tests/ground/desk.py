"""An operator's desk for one cluster of the ground: fleet.yaml, plan, journal, reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shell import replank

from proving_ground.legacy import tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario.operator import write_fleet_file
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary
from replank.plan.codec import load
from replank.plan.takeover import TakeoverPlan


@dataclass(frozen=True)
class Desk:
    """Where one cluster's takeover is worked on."""

    ground: Folders
    cluster: LegacyCluster
    folder: Path

    @property
    def fleet(self) -> Path:
        return self.folder / "fleet.yaml"

    @property
    def plan_file(self) -> Path:
        return self.folder / "plans" / f"{self.cluster.name}.takeover.yaml"

    @property
    def plan(self) -> TakeoverPlan:
        return load(self.plan_file.read_bytes(), where=str(self.plan_file))

    def prepare(
        self,
        progress: Progress,
        plane_name: str = "one",
        probes: Sequence[Mapping[str, object]] = (),
        load_balancer: str = "auto",
    ) -> TakeoverPlan:
        """Survey and plan. Returns the plan, which must be ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_fleet_file(self.ground, [self.cluster], self.fleet, plane_name, probes, load_balancer)
        self.survey_and_plan(progress)
        assert self.plan.ready, [f.code for f in self.plan.findings if f.severity == "blocker"]
        return self.plan

    def survey_and_plan(self, progress: Progress) -> None:
        snapshots = ("--snapshots", self.folder / "snapshots")
        with progress.step(f"{self.cluster.name}: survey, plan"):
            replank("survey", "--fleet", self.fleet, *snapshots)
            replank("plan", "takeover", "--fleet", self.fleet, *snapshots, "--out", self.plan_file.parent)

    def run(self, *arguments: object) -> Working:
        """`replank` in the background, in the desk's folder."""
        log = (self.folder / "replank.log").open("a")
        process = subprocess.Popen(
            [sys.executable, "-m", "replank", *map(str, arguments), "--fleet", str(self.fleet)],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        return Working(process, Path(log.name))

    def environment(self) -> Mapping[str, str]:
        """With upstream's own comparison at hand."""
        helper = binary(self.ground, "would-roll", "replank-would-roll")
        return {**os.environ, "REPLANK_WOULD_ROLL": str(helper)}

    def approve(self) -> None:
        """Approves the plan's points of no return beforehand."""
        replank("approve", self.plan_file, "--yes", "--fleet", self.fleet)

    def status(self) -> dict[str, Any]:
        """The cluster's newest run; empty before there is one (a baseline is probed first)."""
        accept = (0, 2)
        rows = json.loads(replank("status", "--json", "--fleet", self.fleet, cwd=self.folder, accept=accept))
        return dict(next((row for row in rows if row["cluster"] == self.cluster.name), {}))

    def until_held(self, working: Working, step: str, limit_s: float = 300) -> None:
        """Waits until the run is on hold at a step whose ID holds `step`."""
        end, row = time.monotonic() + limit_s, {}
        while time.monotonic() < end:
            assert working.process.poll() is None, f"replank ended early: {working.said()}"
            if (self.folder / ".replank").exists():
                row = self.status()
                if row and row["held"] and step in row["step"]:
                    return
            time.sleep(1)
        raise AssertionError(f"not on hold at {step} but {row}: {working.said()}")

    def let_terraform_go(self, working: Working) -> None:
        """What the platform team does when replank asks for it."""
        self.until_held(working, "terraform-forget")
        tofu.forget(self.ground, self.cluster, [forget.address for forget in self.plan.forget])

    def give_terraform_back(self, working: Working) -> None:
        """And the other way round."""
        self.until_held(working, "terraform-forget")
        tofu.remember(self.ground, self.cluster, [forget.address for forget in self.plan.forget])

    def report(self) -> dict[str, Any]:
        """The newest run's report."""
        return dict(
            json.loads(replank("report", self.cluster.name, "--json", "--fleet", self.fleet, cwd=self.folder))
        )


@dataclass(frozen=True)
class Working:
    """A `replank` at work."""

    process: subprocess.Popen[str]
    log: Path

    def said(self) -> str:
        """The end of its stderr."""
        return self.log.read_text()[-6000:]

    def done(self, limit_s: float, accept: tuple[int, ...] = (0,)) -> str:
        """Its stdout, once it has ended with an accepted status."""
        try:
            out, _ = self.process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"replank did not end within {limit_s} s: {self.said()}") from None
        assert self.process.returncode in accept, self.said() + out
        return out
