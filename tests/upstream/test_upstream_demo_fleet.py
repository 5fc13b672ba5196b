"""The demo's healthy clusters, surveyed over the wire, give plans that upstream's own schemas take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from upstream_crds import upstream_crds

from replank.testbed.fleet.demo import demo_world
from replank.testbed.twin import Twin

pytestmark = pytest.mark.upstream
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def replank(folder: Path, *arguments: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "replank", *arguments], cwd=folder, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_plans_of_the_demo_match_the_schemas_in_a_folder(tmp_path: Path) -> None:
    crds = tmp_path / "crds"
    crds.mkdir()
    for number, crd in enumerate(upstream_crds()):
        (crds / f"{number}.yaml").write_text(yaml.dump(crd, Dumper=_DUMPER))
    with Twin(demo_world(1), tmp_path / "work"):
        replank(tmp_path / "work", "survey", "plain", "groups")
        out, err = replank(
            tmp_path / "work", "plan", "takeover", "plain", "groups", "--crds", str(crds), "--json"
        )
    rows: list[dict[str, Any]] = json.loads(out)
    assert [row["cluster"] for row in rows] == ["groups", "plain"]
    assert all(row["ready"] and row["schema_problems"] == [] for row in rows)
    assert all(row["validated_against"] == str(crds) for row in rows)
    assert "NOT" not in err
