"""What the ground's operator does to a cloud that is just up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import create_autospec

import pytest
from openstack.connection import Connection
from openstack.exceptions import ConflictException
from openstack.network.v2._proxy import Proxy
from openstack.network.v2.network import Network

from proving_ground.cloud import bootstrap


def cloud(network: Any) -> Connection:
    compute = SimpleNamespace(flavors=lambda: iter(bootstrap.FLAVORS))
    return cast(Connection, SimpleNamespace(compute=compute, network=network))


def test_a_public_network_that_neutron_stored_before_it_refused_is_taken() -> None:
    network, stored = create_autospec(Proxy, instance=True), Network(id="n", name=bootstrap.PUBLIC)
    network.find_network.side_effect = [None, stored]
    network.create_network.side_effect = ConflictException("in use")
    network.find_subnet.return_value = None
    bootstrap.resources(cloud(network))
    assert network.create_subnet.call_args.kwargs["network_id"] == "n"


def test_a_refusal_with_no_network_behind_it_is_told() -> None:
    network = create_autospec(Proxy, instance=True)
    network.find_network.return_value = None
    network.create_network.side_effect = ConflictException("in use")
    with pytest.raises(ConflictException, match="in use"):
        bootstrap.resources(cloud(network))
    network.create_subnet.assert_not_called()
