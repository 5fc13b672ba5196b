"""Probes of a real cluster, in a process of their own."""

from __future__ import annotations

from pathlib import Path

from replank.inventory.fleet.model import ClusterConfig
from replank.probe.targets import probe_targets
from replank.transports.probe.config import ProbeConfig
from replank.transports.probe.process import ProbeProcess


def live_probes(config: ClusterConfig, record: Path, baseline_s: float) -> ProbeProcess:
    """Of the API endpoint and of what fleet.yaml names. `record`: the file that every sample goes to."""
    return ProbeProcess(
        ProbeConfig(targets=probe_targets(config), out=str(record.absolute()), baseline_s=baseline_s)
    )
