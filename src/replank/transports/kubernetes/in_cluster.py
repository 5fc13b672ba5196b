"""A Pod's way to the API server of its own cluster, as client-go has it (rest/config.go, InClusterConfig)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused

FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True, kw_only=True)
class InCluster:
    """`server`: URL. `folder`: where the kubelet keeps token and CA, the token always a fresh one."""

    server: str
    folder: Path = FOLDER

    @classmethod
    def found(cls, environment: Mapping[str, str], folder: Path = FOLDER) -> InCluster | None:
        """None where this process runs in no Pod, or in one without a token."""
        host, port = (environment.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
        if not host or not port or not (folder / "token").exists():
            return None
        name = f"[{host}]" if ":" in host else host
        return cls(server=f"https://{name}:{port}", folder=folder)

    @property
    def namespace(self) -> str:
        """The Pod's. Raises `Refused` RP050."""
        file = self.folder / "namespace"
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise Refused(
                "RP050",
                "The Pod's namespace cannot be read",
                type(error).__name__,
                "Mount the ServiceAccount's token as usual (automountServiceAccountToken).",
                where=str(file),
            ) from error

    def kubeconfig(self) -> str:
        """The same as a kubeconfig, which names files and holds no secret."""
        name = "in-cluster"
        user = {"tokenFile": str(self.folder / "token")}
        cluster = {"server": self.server, "certificate-authority": str(self.folder / "ca.crt")}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": cluster}],
                "users": [{"name": name, "user": user}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            }
        )
