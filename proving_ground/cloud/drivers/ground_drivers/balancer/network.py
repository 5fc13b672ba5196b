# ruff: noqa: ARG002 - the signatures are OpenStack's
"""Octavia's network driver: the VIP's port is real in Neutron, everything else about amphorae's ports is
nothing."""

from __future__ import annotations

import functools

from octavia.db import api as database
from octavia.db import repositories
from octavia.network import data_models
from octavia.network.drivers.neutron import allowed_address_pairs
from octavia.network.drivers.noop_driver import driver

from ground_drivers.balancer import container


class NetworkDriver(driver.NoopNetworkDriver):
    @functools.cached_property
    def _neutron(self):
        return allowed_address_pairs.AllowedAddressPairsDriver()

    def allocate_vip(self, loadbalancer):
        return self._neutron.allocate_vip(loadbalancer)

    def unplug_vip(self, loadbalancer, vip):
        # Without a listener no amphora call comes at deletion: the container goes here.
        container.remove(loadbalancer.id)

    def deallocate_vip(self, vip):
        container.remove(vip.load_balancer_id)
        return self._neutron.deallocate_vip(vip)

    def update_vip_sg(self, load_balancer, vip):
        return self._neutron.update_vip_sg(load_balancer, vip)

    def get_network(self, network_id, context=None):
        return self._neutron.get_network(network_id, context=context)

    def get_subnet(self, subnet_id, context=None):
        return self._neutron.get_subnet(subnet_id, context=context)

    def get_plugged_networks(self, compute_id):
        """The network of the VIP, in which the container stands. Octavia would plug it in otherwise, and
        fails with a KeyError where no member names a subnet (CalculateAmphoraDelta, Octavia 19)."""
        session = database.get_session()
        with session.begin():
            amphora = repositories.AmphoraRepository().get(session, compute_id=compute_id)
            vip = amphora.load_balancer.vip
        address = data_models.FixedIP(subnet_id=vip.subnet_id, ip_address=vip.ip_address)
        return [
            data_models.Interface(
                compute_id=compute_id, network_id=vip.network_id, port_id=vip.port_id, fixed_ips=[address]
            )
        ]
