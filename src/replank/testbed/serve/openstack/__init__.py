"""A twin of OpenStack's APIs over real HTTP on 127.0.0.1, for `list[Project]` (testbed/world.py).

    with OpenStackTwin(projects) as twin:
        twin.auth_url                        # for clouds.yaml: http://127.0.0.1:<port>/identity/v3
        twin.faults.append(Fault(service="load-balancer", status=403))

Keystone v3 (password and application credential), Nova, Neutron, Octavia, Glance and Cinder. What may be
written (`writing.py`, `balancing.py`, `application_credentials.py`) is what a takeover and the guards write,
and some of what a lock stops; it changes the world's documents in place, and everything else answers 404. A
token without the role that a service asks of writers gets 403.

All projects share the port; the token decides whose objects are seen. Two `Project`s with one `project_id`
and different regions are one Keystone project with endpoints in two regions. clouds.yaml needs
`auth: {auth_url, username, password, project_name (or project_id), user_domain_name: Default,
project_domain_name: Default}` and `region_name`. A service appears in the catalog if
`Project.collections` has its key (an empty dict is enough), so leaving out `load-balancer` makes a cloud
without Octavia.

What `Project.collections[service][collection]` holds. Documents are served exactly as they lie there, in the
shape of the newest microversion, without the outer key:

compute (answers as microversion 2.96)
- `servers`: as GET /servers/detail lists them: `id, name, status, tenant_id, created, updated, metadata{},
  tags[], key_name|null, locked, config_drive ("True" or ""), image ("" when booted from a volume, else
  {"id": ...}), flavor {"original_name", "vcpus", "ram", "disk", "ephemeral", "swap", "extra_specs"},
  addresses {"<network name>": [{"addr", "version": 4, "OS-EXT-IPS:type": "fixed"|"floating",
  "OS-EXT-IPS-MAC:mac_addr"}]}, security_groups [{"name"}], "OS-EXT-AZ:availability_zone",
  "OS-EXT-STS:task_state"|null, "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state",
  "OS-EXT-SRV-ATTR:hostname", "OS-EXT-SRV-ATTR:user_data" (plant secrets here),
  "os-extended-volumes:volumes_attached" [{"id", "delete_on_termination"}]`, of which
  os-volume_attachments is made (the device is Cinder's)
- `flavors`: `id, name, vcpus, ram (MiB), disk (GiB), swap, OS-FLV-EXT-DATA:ephemeral, extra_specs{}`
- `server_groups`: `id, name, policy, rules{}, members [server IDs], project_id, user_id`
- `keypairs`: `name, fingerprint, public_key, type` (the twin wraps each in {"keypair": ...} as Nova does)
- `zones`: `zoneName, zoneState {"available": true}, hosts: null`

network (Neutron v2.0)
- `networks`: `id, name, project_id, router:external, shared, mtu, port_security_enabled, subnets [IDs],
  status, admin_state_up, tags[]`
- `subnets`: `id, name, network_id, project_id, cidr, ip_version, gateway_ip|null, dns_nameservers[],
  enable_dhcp, allocation_pools[], host_routes[], tags[]`
- `ports`: `id, name ("" for those that Nova made), network_id, project_id, status, admin_state_up, device_id,
  device_owner ("compute:<zone>", "network:router_interface", "network:dhcp", "Octavia", ...), mac_address,
  fixed_ips [{"subnet_id", "ip_address"}], security_groups [IDs], allowed_address_pairs [{"ip_address",
  "mac_address"}], port_security_enabled, binding:vnic_type, binding:profile{}, tags[]`, and `trunk_details
  {"trunk_id", "sub_ports"}` for the parent of a trunk. Router interfaces are known by their ports
  (`device_owner` network:router_interface, `device_id` the router)
- `routers`: `id, name, project_id, status, external_gateway_info|null {"network_id",
  "external_fixed_ips": [{"subnet_id", "ip_address"}]}, routes[], tags[]`
- `floatingips`: `id, floating_ip_address, floating_network_id, port_id|null, fixed_ip_address|null,
  router_id|null, status, project_id, tags[]`
- `security_groups`: `id, name, description, project_id, tags[], security_group_rules [{"id",
  "security_group_id", "direction", "ethertype", "protocol"|null, "port_range_min"|null,
  "port_range_max"|null, "remote_ip_prefix"|null, "remote_group_id"|null}]`
- `availability_zones`: `name, resource ("network" or "router"), state ("available")`

load-balancer (Octavia v2)
- `loadbalancers`: `id, name, project_id, vip_address, vip_port_id, vip_subnet_id, vip_network_id, provider,
  flavor_id|null, provisioning_status, operating_status, admin_state_up, listeners [{"id"}], pools [{"id"}],
  tags[]`
- `listeners`: `id, name, project_id, protocol, protocol_port, default_pool_id|null, allowed_cidrs|null,
  timeout_client_data, timeout_member_data, loadbalancers [{"id"}], l7policies[], ...`
- `pools`: `id, name, project_id, protocol, lb_algorithm, loadbalancers [{"id"}], listeners [{"id"}],
  healthmonitor_id|null, members [{"id"}]`, and in `members_full` (the twin's own key, never served there) the
  documents of GET /pools/<id>/members: `id, name, address, protocol_port, subnet_id|null, weight, backup,
  operating_status, provisioning_status, admin_state_up`
- `healthmonitors`: `id, name, project_id, type, delay, timeout, max_retries, max_retries_down, pools
  [{"id"}]`

image (Glance v2)
- `images`: `id, name, status, visibility, owner, min_disk, min_ram, size, os_hidden, tags[], ...`

block-storage (Cinder v3)
- `volumes`: `id, name, status, size (GiB), volume_type, availability_zone, bootable ("true"|"false"),
  attachments [{"server_id", "attachment_id", "device", "volume_id"}], metadata{} (CSI writes
  "cinder.csi.openstack.org/cluster"), volume_image_metadata {"image_id", "image_name"} (only when made from
  an image)`
- `zones`: `zoneName, zoneState {"available": true}`

`Project.quotas[service]`, with usage, without the outer key:
- compute, block-storage: `{"cores": {"limit": 100, "in_use": 20, "reserved": 0}, "id": "<project id>", ...}`
- network: `{"port": {"limit": 500, "used": 40, "reserved": 0}, ...}`
A service without a document there answers with an empty one.
"""

from __future__ import annotations

from replank.testbed.serve.openstack.application_credentials import AppCredential
from replank.testbed.serve.openstack.faults import Fault
from replank.testbed.serve.openstack.twin import OpenStackTwin

__all__ = ["AppCredential", "Fault", "OpenStackTwin"]
