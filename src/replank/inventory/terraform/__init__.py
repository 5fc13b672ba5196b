"""Parsers of Terraform and OpenTofu state. Pure: bytes in, facts out."""

from replank.inventory.terraform.parse import parse_state
from replank.inventory.terraform.ports import ServerPorts, server_ports
from replank.inventory.terraform.select import (
    Claim,
    SharedServer,
    matches,
    select_resources,
    shared_between,
    unmatched,
)

__all__ = [
    "Claim",
    "ServerPorts",
    "SharedServer",
    "matches",
    "parse_state",
    "select_resources",
    "server_ports",
    "shared_between",
    "unmatched",
]
