"""Where things stand and what they are called: folders, names, addresses. Nothing else is decided here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

LABEL = "replank.ground"
"""Every container, network and image of the ground carries this label; its value is the part's name."""

CLOUD_NETWORK = "ground-cloud"
CLOUD_CIDR = "198.18.0.0/24"
CLOUD_ADDRESS = "198.18.0.1"
"""The gateway of `CLOUD_NETWORK`, hence an address of this host that every machine reaches too: all APIs
listen here. 198.18.0.0/15 is set aside for tests of networks (RFC 2544)."""

FLOATING_CIDR = "198.18.1.0/24"
"""Floating IPs. No Docker network: NAT rules lead them to machines."""


def cluster_cidr(number: int) -> str:
    """The subnet of the machines of cluster `number` (0 to 200): one each, since Docker refuses overlaps."""
    if not 0 <= number <= 200:
        raise ValueError(f"cluster number {number} is not in 0..200")
    return f"198.19.{number}.0/24"


@dataclass(frozen=True, slots=True)
class Folders:
    """All files of the ground stand below one folder.

    `cache` outlives `ground-down` (toolchain, images' parts); `state` does not.
    """

    root: Path

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def binaries(self) -> Path:
        return self.cache / "bin"

    @property
    def clouds_yaml(self) -> Path:
        """Clouds `ground` (member of project demo), `ground-reader` and `ground-admin`."""
        return self.state / "cloud" / "clouds.yaml"

    @property
    def ssh_key(self) -> Path:
        """The operator's private key; `.pub` beside it is the keypair `operator` in Nova."""
        return self.state / "ssh" / "id_ed25519"

    def cluster(self, name: str) -> Path:
        """What a platform team would have of a legacy cluster: `tf/`, `ansible/`, `kubeconfig`."""
        return self.state / "clusters" / name

    def plane(self, name: str) -> Path:
        """A management plane: `kubeconfig`, `pki/`, `audit/audit.log`, `endpoints.json`."""
        return self.state / "management" / name


def folders() -> Folders:
    """`$REPLANK_GROUND`, or `replank-ground` in the user's cache directory (XDG base directories)."""
    named = os.environ.get("REPLANK_GROUND")
    if named:
        return Folders(Path(named).expanduser().resolve())
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Folders(Path(base).expanduser().resolve() / "replank-ground")
