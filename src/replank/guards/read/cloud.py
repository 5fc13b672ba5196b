"""Octavia's members, Neutron's floating IPs, Nova's volume attachments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from replank.guards.names import MEMBER_TAG
from replank.guards.sight import FloatingIpSight, MemberSight

Document = Mapping[str, Any]


def members(documents: Iterable[Document]) -> tuple[MemberSight, ...]:
    """Of one pool."""
    return tuple(
        MemberSight(
            id=document["id"],
            name=document.get("name") or "",
            address=document["address"],
            port=int(document["protocol_port"]),
            state=document["operating_status"],
            weight=1 if (weight := document.get("weight")) is None else int(weight),
            ours=MEMBER_TAG in (document.get("tags") or ()),
        )
        for document in documents
    )


def addresses(ports: Iterable[Document]) -> frozenset[str]:
    """Fixed IPs of all ports."""
    return frozenset(ip["ip_address"] for port in ports for ip in port.get("fixed_ips") or ())


def floating_ips(documents: Iterable[Document], ports: Iterable[Document]) -> tuple[FloatingIpSight, ...]:
    """Those on a port of a server."""
    servers = {port["id"]: port.get("device_id") or "" for port in ports}
    return tuple(
        FloatingIpSight(
            id=document["id"],
            address=document["floating_ip_address"],
            server=servers[document["port_id"]],
        )
        for document in documents
        if document.get("port_id") and servers.get(document["port_id"])
    )


def volumes(attachments: Iterable[Document], handles: frozenset[str]) -> tuple[str, ...]:
    """Of a server's volumes the PersistentVolumes: the others, its root among them, go or stay with
    the server."""
    return tuple(found for a in attachments if (found := str(a["volumeId"])) in handles)
