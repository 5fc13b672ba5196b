"""Fetches the providers' CustomResourceDefinitions as Go modules: they are upstream's, and not committed
here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
FOLDERS = {
    "cluster-api": (
        "core/config/crd/bases",
        "bootstrap/kubeadm/config/crd/bases",
        "controlplane/kubeadm/config/crd/bases",
    ),
    "cluster-api-provider-openstack": ("config/crd/bases",),
}


def upstream_crds() -> tuple[dict[str, Any], ...]:
    """All CRDs of the pinned versions.

    Fails the test where Go is missing, unless REPLANK_WITHOUT_GO=1 says that this is meant; then the test is
    skipped, and the summary (tests/conftest.py) says what was not validated.
    """
    if shutil.which("go") is None:
        if os.environ.get("REPLANK_WITHOUT_GO") == "1":
            pytest.skip("Go is missing and REPLANK_WITHOUT_GO=1 is set: NOT VALIDATED")
        pytest.fail(
            "Go is missing, so the manifests cannot be validated against upstream's schemas. Install Go, or "
            "set REPLANK_WITHOUT_GO=1 to leave this out and be told so.",
            pytrace=False,
        )
    return _crds()


@cache
def _crds() -> tuple[dict[str, Any], ...]:
    yaml = YAML(typ="safe", pure=False)
    found = []
    for module, folders in FOLDERS.items():
        root = _module_folder(module)
        for folder in folders:
            found += [yaml.load(path) for path in sorted((root / folder).glob("*.yaml"))]
    return tuple(found)


def _module_folder(name: str) -> Path:
    """Where `go mod download` put the module; go.sum pins what it must be."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"sigs.k8s.io/{name}"],
        cwd=HERE / name,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"go mod download of {name} failed: {done.stdout}{done.stderr}", pytrace=False)
    return Path(json.loads(done.stdout)["Dir"])
