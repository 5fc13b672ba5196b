"""The control plane's endpoint: what every kubelet and every kubeconfig of the cluster was told."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.seen import Seen

DEFAULT_PORT = 6443


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Host (address or name) and port. `host` "" = not known."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.host else ""

    @property
    def is_address(self) -> bool:
        """True for an IP address, False for a name."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True


def parse_endpoint(text: str) -> Endpoint | None:
    """`host`, `host:port`, `[v6]:port` or a URL; None where that is none of them."""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    return Endpoint(host=host, port=port or DEFAULT_PORT)


def endpoint_of(seen: Seen, notes: Notes) -> Endpoint:
    """kubeadm's controlPlaneEndpoint; without one the server of the kubeconfig that survey used."""
    recorded = seen.config.control_plane_endpoint if seen.config else ""
    found = parse_endpoint(recorded) or (parse_endpoint(seen.reached_at) if seen.config else None)
    if found is None:
        if seen.config is not None:
            notes.gap("controlPlaneEndpoint", f"kubeadm-config says {recorded!r}", unknown=False)
        return Endpoint(host="")
    return found
