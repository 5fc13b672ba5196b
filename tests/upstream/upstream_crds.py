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

from yaml_files import read_yaml_file

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

    Where Go is missing, the test is left out and the summary says loudly what was not validated
    (tests/conftest.py): `make test` asks for Python only. Where CI=true it fails instead.
    """
    if shutil.which("go") is None:
        why = "Go is missing, so nothing could be validated against upstream's CustomResourceDefinitions"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{why}. Install Go.", pytrace=False)
        pytest.skip(why)
    return _crds()


@cache
def _crds() -> tuple[dict[str, Any], ...]:
    found = []
    for module, folders in FOLDERS.items():
        root = _module_folder(module)
        for folder in folders:
            found += [read_yaml_file(path) for path in sorted((root / folder).glob("*.yaml"))]
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
