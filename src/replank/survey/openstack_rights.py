"""Roles and calls in OpenStack for survey and apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStackPermission:
    """Calls to one OpenStack service. `role`: the role that allows them by the services' default policies."""

    service: str
    role: str
    calls: tuple[str, ...]
    purpose: str


SURVEY_CALLS: Final = (
    OpenStackPermission(
        service="identity",
        role="reader",
        calls=("POST /v3/auth/tokens",),
        purpose="logging in; the token names project and roles",
    ),
    OpenStackPermission(
        service="compute",
        role="reader",
        calls=(
            *("GET /servers/detail", "GET /flavors/detail", "GET /os-server-groups", "GET /os-keypairs"),
            *("GET /os-availability-zone", "GET /os-quota-sets/{project}/detail"),
        ),
        purpose="servers, flavors, server groups, keypairs, zones, quotas",
    ),
    OpenStackPermission(
        service="network",
        role="reader",
        calls=(
            *("GET /v2.0/ports", "GET /v2.0/networks", "GET /v2.0/subnets", "GET /v2.0/routers"),
            *("GET /v2.0/floatingips", "GET /v2.0/security-groups", "GET /v2.0/availability_zones"),
            "GET /v2.0/quotas/{project}/details",
        ),
        purpose="ports and networks",
    ),
    OpenStackPermission(
        service="load-balancer",
        role="load-balancer_observer",
        calls=(
            *("GET /v2/lbaas/loadbalancers", "GET /v2/lbaas/listeners", "GET /v2/lbaas/pools"),
            *("GET /v2/lbaas/pools/{pool}/members", "GET /v2/lbaas/healthmonitors"),
        ),
        purpose="load balancers; clouds with Octavia's newer default policies grant this to reader",
    ),
    OpenStackPermission(
        service="image",
        role="reader",
        calls=("GET /v2/images", "GET /v2/images/{image}"),
        purpose="images that servers were made from",
    ),
    OpenStackPermission(
        service="block-storage",
        role="reader",
        calls=("GET /volumes/detail", "GET /os-availability-zone", "GET /os-quota-sets/{project}"),
        purpose="volumes, zones, quotas",
    ),
)
APPLY_CALLS: Final = (
    OpenStackPermission(
        service="identity",
        role="member",
        calls=("GET, POST and DELETE /v3/users/{user}/application_credentials",),
        purpose="one application credential for each cluster: reader until it is settled, then member",
    ),
    OpenStackPermission(
        service="compute",
        role="member",
        calls=("POST /servers/{id}/action (lock, unlock)", "PUT /servers/{id} (only with rename_servers)"),
        purpose="the fence around adopted servers; names that Cluster API could not find otherwise",
    ),
    OpenStackPermission(
        service="network",
        role="member",
        calls=("PUT /v2.0/ports/{id} (name)", "PUT /v2.0/ports/{id}/tags"),
        purpose="port names, by which CAPO finds them; the old name stays as a tag",
    ),
    OpenStackPermission(
        service="load-balancer",
        role="load-balancer_member",
        calls=("PUT name of load balancer, listener, pool, health monitor and members",),
        purpose="only where CAPO is to manage the load balancer",
    ),
)
