"""Defects of the API's load balancer."""

from __future__ import annotations

from replank.testbed.fleet.cloud.load_balancer import API_PORT, member
from replank.testbed.fleet.defects.defect import Defect
from replank.testbed.fleet.made import Made
from replank.testbed.world import Document


def _pool(made: Made) -> Document:
    return made.document("load-balancer", "pools", made.layout.id("pool", API_PORT))


def _set_members(pool: Document, members: list[Document]) -> None:
    pool["members_full"] = members
    pool["members"] = [{"id": document["id"]} for document in members]


def _member_missing(made: Made) -> None:
    pool = _pool(made)
    _set_members(pool, pool["members_full"][:-1])


def _foreign_member(made: Made) -> None:
    """The address of a control plane that was replaced long ago."""
    pool = _pool(made)
    stale = member(made.layout, "stale", made.layout.host(19), API_PORT, "old-cp") | {
        "operating_status": "ERROR"
    }
    _set_members(pool, [*pool["members_full"], stale])


def _allowed_cidrs(made: Made) -> None:
    listener = made.document("load-balancer", "listeners", made.layout.id("listener", API_PORT))
    listener["allowed_cidrs"] = ["192.0.2.0/24", made.layout.cidr]


def _error(made: Made) -> None:
    lb = made.document("load-balancer", "loadbalancers", made.layout.id("loadbalancer"))
    lb["provisioning_status"] = "ERROR"


DEFECTS = (
    Defect("member-missing", "a control plane is no member of the API's pool", _member_missing),
    Defect("foreign-member", "the API's pool has a member that is no control plane", _foreign_member),
    Defect("allowed-cidrs", "the API's listener lets in only some networks", _allowed_cidrs),
    Defect("load-balancer-error", "the API's load balancer is in ERROR", _error),
)
