"""Upstream's manifests, rendered by `kubectl kustomize` from the module folders; kept by module version."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from proving_ground.errors import GroundError
from proving_ground.management.managers import KUBERNETES, MANAGERS, RESOURCE_CONTROLLER, TOOLCHAIN
from proving_ground.settings import Folders
from proving_ground.toolchain.build import module_folder
from proving_ground.toolchain.groups import binary, group

Document = dict[str, Any]
"""A Kubernetes object."""

INVENTORY = "clusterctl"
"""Name of the document set that holds the CRD of clusterctl's inventory."""

_INVENTORY_FILE = "cmd/clusterctl/config/manifest/clusterctl-api.yaml"
_DEFAULT = re.compile(r"\$\{\w+:?[=-]([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """How upstream runs a manager: in which namespace, as which service account, with which arguments."""

    namespace: str
    service_account: str
    arguments: tuple[str, ...]

    @property
    def user(self) -> str:
        """Its user name at the API server, as RBAC and the audit log know it."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    @property
    def groups(self) -> tuple[str, ...]:
        return ("system:serviceaccounts", f"system:serviceaccounts:{self.namespace}")


def rendered(folders: Folders) -> Mapping[str, Sequence[Document]]:
    """Manager (also the resource controller, and `INVENTORY`) -> its documents, unchanged.

    Takes a few seconds the first time. The raw CRD bases would lack the contract labels and the conversion
    webhooks, which only the kustomizations add.
    """
    file = folders.cache / "manifests" / f"{_key()}.json"
    if file.exists():
        kept: dict[str, list[Document]] = json.loads(file.read_text())
        return kept
    core = module_folder(folders, "cluster-api")
    sets = {
        manager.name: _kustomize(folders, module_folder(folders, manager.source) / manager.manifests)
        for manager in MANAGERS
    }
    sets[RESOURCE_CONTROLLER] = _kustomize(
        folders, module_folder(folders, RESOURCE_CONTROLLER) / "config/default"
    )
    sets[INVENTORY] = _documents((core / _INVENTORY_FILE).read_text())
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps(sets))
    fresh.replace(file)
    return sets


def deployment(documents: Sequence[Document]) -> Deployment:
    """What a manager's documents say of how it runs. Variables get the defaults of `clusterctl init`."""
    found = next(document for document in documents if document["kind"] == "Deployment")
    pod = found["spec"]["template"]["spec"]
    return Deployment(
        namespace=found["metadata"]["namespace"],
        service_account=pod["serviceAccountName"],
        arguments=tuple(_DEFAULT.sub(r"\1", argument) for argument in pod["containers"][0]["args"]),
    )


def _kustomize(folders: Folders, folder: Path) -> list[Document]:
    done = subprocess.run(
        [binary(folders, KUBERNETES, "kube"), "kubectl", "kustomize", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GroundError(
            "management plane", f"kustomize failed in {folder}", "Run it by hand.", done.stderr[-3000:]
        )
    return _documents(done.stdout)


def _documents(text: str) -> list[Document]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as quick, and optional
    return [document for document in yaml.load_all(text, loader) if document]


def _key() -> str:
    """The modules' versions, and where in them we look."""
    content = [[name, group(name).version] for name in TOOLCHAIN]
    content += [[manager.name, manager.manifests] for manager in MANAGERS]
    return hashlib.sha256(json.dumps([content, _INVENTORY_FILE]).encode()).hexdigest()[:16]
