"""Quotas of the project with their usage, from Nova, Cinder and Neutron.

All three show a project its own quotas without extra rights. Resources keep the services' names (`cores`,
`gigabytes`, `port`), which do not overlap. Octavia tells limits only, no usage, and is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replank.inventory.facts.openstack import Quota
from replank.transports.openstack.documents import Document, get, integer

if TYPE_CHECKING:
    from openstack.proxy import Proxy


def compute_quotas(service: Proxy, project_id: str) -> tuple[Quota, ...]:
    """Nova's."""
    document = get(service, f"/os-quota-sets/{project_id}/detail")
    return _quotas(document["quota_set"], "in_use")


def volume_quotas(service: Proxy, project_id: str) -> tuple[Quota, ...]:
    """Cinder's. Volume types have quotas of their own (`gigabytes_<type>`)."""
    document = get(service, f"/os-quota-sets/{project_id}", {"usage": "True"})
    return _quotas(document["quota_set"], "in_use")


def network_quotas(service: Proxy, project_id: str) -> tuple[Quota, ...]:
    """Neutron's."""
    document = get(service, f"/quotas/{project_id}/details")
    return _quotas(document["quota"], "used")


def _quotas(document: Document, used: str) -> tuple[Quota, ...]:
    return tuple(
        Quota(resource=name, limit=integer(value, "limit"), used=integer(value, used))
        for name, value in sorted(document.items())
        if isinstance(value, dict) and "limit" in value
    )
