# ruff: noqa: ARG002 - the signatures are OpenStack's
"""Octavia's amphora driver: an amphora is a container with one haproxy.

Not a provider driver: so Octavia's own flows, PENDING states and conflicts (409) stay the genuine ones.
Octavia makes a driver object for each task; nothing is kept in it."""

from __future__ import annotations

from octavia.amphorae.drivers.noop_driver import driver

from ground_drivers.balancer import container


class AmphoraDriver(driver.NoopAmphoraLoadBalancerDriver):
    def post_vip_plug(
        self, amphora, load_balancer, amphorae_network_config, vrrp_port, vip_subnet, additional_vip_data=None
    ):
        container.apply(load_balancer)

    def update_amphora_listeners(self, loadbalancer, amphora, timeout_dict):
        container.apply(loadbalancer)

    def update(self, loadbalancer):
        container.apply(loadbalancer)

    def start(self, loadbalancer, amphora=None, timeout_dict=None):
        container.apply(loadbalancer)

    def reload(self, loadbalancer, amphora=None, timeout_dict=None):
        container.apply(loadbalancer)

    def delete(self, listener):
        container.apply(listener.load_balancer)
