"""What the documentation shows as fleet.yaml is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replank.inventory.fleet.loader import load_fleet

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "docs/fleet.md"])
def test_a_fleet_file_of_the_documentation_loads(name: str) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / name).read_text(), flags=re.DOTALL | re.MULTILINE)
    fleet = load_fleet(text, path="/fleet/fleet.yaml", home="/home/ops")
    assert len(fleet.clusters) >= 2
    assert all(cluster.state and cluster.ssh and cluster.kubeconfig for cluster in fleet.clusters)
