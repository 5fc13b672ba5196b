"""An operator's desk for a runtime swap: surveyed, audited, planned, and what its last run tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from desk import Desk
from shell import replank

from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import swapping
from proving_ground.scenario.operator import probes_of, write_fleet_file
from proving_ground.settings import Folders

OLD, NEW = "containerd://1.7.29", "containerd://2.3.5"

ROOT = ("--root", "/var/lib/containerd/replank")
"""A disk of its own: the machines' own root is an overlay, which takes no other."""

NO_DRAIN = ("--no-drain", *ROOT)
"""Pods restart where they are: with one worker there is nowhere to drain to."""


def prepared(
    ground: Folders,
    cluster: LegacyCluster,
    progress: Progress,
    folder: Path,
    *how: object,
    package: str = "",
) -> Desk:
    """Surveyed, audited and planned, by replank's commands. `how`: more options of `plan runtime`. `package`:
    brings the new programs, "" = a bundle does."""
    swapping.give_crictl(ground, cluster, progress)
    desk = Desk(ground, cluster, folder)
    write_fleet_file(ground, [cluster], desk.fleet, "one", probes_of(ground, cluster))
    snapshots = ("--snapshots", desk.folder / "snapshots")
    with progress.step(f"{cluster.name}: survey, audit, plan"):
        replank("survey", "--runtime", "--fleet", desk.fleet, *snapshots)
        found = json.loads(replank("audit", "runtime", "--json", "--fleet", desk.fleet, *snapshots))
        assert all(f["severity"] != "blocker" for f in findings(found)), found
        origin = ("--package", package) if package else ("--bundle", swapping.bundle(ground, progress))
        to = ("--to", NEW.replace("://", "-"), *origin)
        replank("plan", "runtime", *to, *how, "--fleet", desk.fleet, *snapshots, "--out", folder / "plans")
    return desk


def on_every_machine(ground: Folders, cluster: LegacyCluster, command: str) -> dict[str, str]:
    """Machine -> what the command says there."""
    hosts = create.known_hosts(ground, cluster)
    return {
        machine.name: ssh.run(ground, hosts, machine.address, command).decode()
        for machine in tofu.read(ground, cluster).machines
    }


def plan_of(desk: Desk) -> Path:
    return desk.folder / "plans" / f"{desk.cluster.name}.runtime.yaml"


def findings(audit: Any) -> list[dict[str, Any]]:
    """Of every cluster, whatever stands around them."""
    if isinstance(audit, dict):
        if "severity" in audit:
            return [audit]
        return [finding for value in audit.values() for finding in findings(value)]
    return [finding for value in audit for finding in findings(value)] if isinstance(audit, list) else []


def windows(desk: Desk) -> list[float]:
    """Seconds from the kubelet's stop until all pods of the node ran again, for each swap of the last run."""
    log = replank("log", desk.cluster.name, "--json", "--fleet", desk.fleet, cwd=desk.folder)
    events = [json.loads(line) for line in log.splitlines() if line.strip().startswith("{")]
    told = [event["data"].get("evidence") or {} for event in events if event["kind"] == "applied"]
    return [evidence["window_s"] for evidence in told if "window_s" in evidence]
