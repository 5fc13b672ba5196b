"""ProviderIDs: what ties a Kubernetes Node to an OpenStack server.

cloud-provider-openstack writes `openstack:///<server UUID>`, or `openstack://<region>/<server UUID>` where
OS_CCM_REGIONAL is set. Cluster API matches Machine and Node by the exact string
(cluster-api v1.14, core/reconcilers/machine/machine_controller_noderef.go), so the region matters.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEME = "openstack://"


@dataclass(frozen=True, slots=True)
class OpenStackProviderID:
    """The two parts of an OpenStack providerID. `region` is "" in the form without a region."""

    server_id: str
    region: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.region}/{self.server_id}"


def parse_provider_id(text: str) -> OpenStackProviderID | None:
    """The parts of `text`, or None if it is not an OpenStack providerID (empty, another cloud, malformed)."""
    if not text.startswith(SCHEME):
        return None
    region, slash, server_id = text.removeprefix(SCHEME).partition("/")
    if not slash or not server_id or "/" in server_id:
        return None
    return OpenStackProviderID(server_id=server_id, region=region)
