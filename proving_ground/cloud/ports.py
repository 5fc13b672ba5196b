"""Where the cloud's services listen. APIs: on `settings.CLOUD_ADDRESS` only, at OpenStack's usual ports."""

from __future__ import annotations

from proving_ground.settings import CLOUD_ADDRESS

KEYSTONE = 5000
NOVA = 8774
PLACEMENT = 8778
GLANCE = 9292
NEUTRON = 9696
OCTAVIA = 9876

# On the loopback address, beside whatever else the host runs: not the usual ports.
RABBITMQ = 15673
RABBITMQ_DISTRIBUTION = 15674
EPMD = 14369
OCTAVIA_HEARTBEAT = 15555

APIS = {
    "keystone": KEYSTONE,
    "nova": NOVA,
    "placement": PLACEMENT,
    "glance": GLANCE,
    "neutron": NEUTRON,
    "octavia": OCTAVIA,
}


def url(api: str) -> str:
    """The address of an API, without a path."""
    return f"http://{CLOUD_ADDRESS}:{APIS[api]}"
