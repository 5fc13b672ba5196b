"""An HTTP proxy in front of OpenStack that fails by rules. See `proxy.openstack_proxy`."""

from __future__ import annotations

from proving_ground.faults.openstack.proxy import OpenStackProxy, Request, openstack_proxy
from proving_ground.faults.openstack.rules import (
    Action,
    Answer,
    CutBefore,
    Delay,
    Hang,
    LoseAnswer,
    Rule,
    Service,
)

__all__ = [
    "Action",
    "Answer",
    "CutBefore",
    "Delay",
    "Hang",
    "LoseAnswer",
    "OpenStackProxy",
    "Request",
    "Rule",
    "Service",
    "openstack_proxy",
]
