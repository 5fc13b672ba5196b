"""Neutron's router plugin without an agent: the host routes, floating IPs are NAT rules, reported as the L3
agent would report them."""

from __future__ import annotations

from neutron.services.l3_router import l3_router_plugin
from neutron_lib import constants, context
from neutron_lib.plugins import constants as plugin_constants
from neutron_lib.plugins import directory

from ground_drivers import docker_host
from ground_drivers.network import rules


class RouterPlugin(l3_router_plugin.L3RouterPlugin):
    def create_floatingip(self, context, floatingip):
        return self._realize(context, super().create_floatingip(context, floatingip))

    def update_floatingip(self, context, id, floatingip):
        return self._realize(context, super().update_floatingip(context, id, floatingip))

    def delete_floatingip(self, context, id):
        super().delete_floatingip(context, id)
        _disconnect(id)

    def disassociate_floatingips(self, context, port_id, *more, **named):
        # The signature differs along the inheritance: everything is passed through.
        gone = [f["id"] for f in self.get_floatingips(context.elevated(), {"port_id": [port_id]})]
        result = super().disassociate_floatingips(context, port_id, *more, **named)
        for identity in gone:
            _disconnect(identity)
        return result

    def realize_all(self, context) -> None:
        """Rules are lost when the host restarts; the database knows them."""
        for floating_ip in self.get_floatingips(context):
            self._realize(context, floating_ip)

    def _realize(self, context, floating_ip):
        if floating_ip["port_id"]:
            status = constants.FLOATINGIP_STATUS_ACTIVE
            with docker_host.lock("rules"):
                rules.connect(
                    floating_ip["id"], floating_ip["floating_ip_address"], floating_ip["fixed_ip_address"]
                )
        else:
            status = constants.FLOATINGIP_STATUS_DOWN
            _disconnect(floating_ip["id"])
        if floating_ip["status"] != status:
            self.update_floatingip_status(context.elevated(), floating_ip["id"], status)
            floating_ip["status"] = status
        return floating_ip


def _disconnect(identity: str) -> None:
    with docker_host.lock("rules"):
        rules.disconnect(identity)


def start() -> None:
    """Called once when Neutron's API is loaded."""
    with docker_host.lock("rules"):
        rules.install()
    directory.get_plugin(plugin_constants.L3).realize_all(context.get_admin_context())
