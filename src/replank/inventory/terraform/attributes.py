"""Which attributes of which resource type are kept. What is not named here is never kept.

Source of the names: the resource schemas of terraform-provider-openstack 1.x to 3.x, with the types that were
removed over time (compute_secgroup_v2, compute_floatingip_v2, blockstorage_volume_v1 and v2, lb_*_v1).
Left out on purpose: `user_data`, `admin_pass`, `personality`, `value_specs`, `description`, key material,
passwords, payloads, and whatever replank has no use for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Name -> names that are kept inside where the attribute is a block (or a list of them), None = never a block.
Allowed = Mapping[str, frozenset[str] | None]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Keys of a server's metadata that tell its place in a cluster; other keys may hold anything.
# `kubespray_groups`, `ssh_user`: Kubespray, contrib/terraform/openstack/modules/compute/main.tf.
METADATA_KEYS: Final = _words(
    """kubespray_groups ssh_user role roles k8s_role k8s-role kubernetes_role node_role node_type
    cluster cluster_name cluster-name group groups ansible_group ansible_groups"""
)

# Fields that old, flat states keep as text. Source: the same schemas (TypeBool, TypeInt).
BOOLEANS: Final = _words(
    """access_network admin_state_up config_drive delete_on_termination dhcp_enabled distributed enable_dhcp
    enable_snat external no_fixed_ip no_gateway no_security_groups port_security_enabled self shared
    stop_before_destroy transparent_vlan backup"""
)
INTEGERS: Final = _words(
    """boot_index connection_limit delay disk from_port ip_version max_retries max_retries_down mtu
    port_range_max port_range_min protocol_port ram size timeout timeout_client_data timeout_member_connect
    timeout_member_data to_port ttl vcpus volume_size weight"""
)

_EVERY_TYPE: Final = "id name region tenant_id project_id"

# Blocks: the names that are kept inside. Where a type has a plain value of the same name, it is kept whole.
_BLOCKS: Final[Mapping[str, frozenset[str]]] = {
    name: _words(words)
    for name, words in {
        "all_metadata": " ".join(METADATA_KEYS),
        "allocation_pool": "start end",
        "allocation_pools": "start end",
        "allowed_address_pairs": "ip_address mac_address",
        "binding": "host_id profile vnic_type vif_type",
        "block_device": """uuid source_type destination_type boot_index volume_size volume_type
            delete_on_termination disk_bus device_type guest_format""",
        "external_fixed_ip": "subnet_id ip_address",
        "fixed_ip": "subnet_id ip_address",
        "host_routes": "destination_cidr next_hop",
        "member": "id name address protocol_port subnet_id weight backup monitor_address monitor_port",
        "metadata": " ".join(METADATA_KEYS),
        "network": "uuid name port fixed_ip_v4 fixed_ip_v6 floating_ip mac access_network",
        "persistence": "type cookie_name",
        "rule": "id from_port to_port ip_protocol cidr from_group_id self",
        "rules": "max_server_per_host",
        "scheduler_hints": "group different_host same_host different_cell target_cell",
        "segments": "physical_network segmentation_id network_type",
        "sub_port": "port_id segmentation_id segmentation_type",
        "volume": "id volume_id device",
        "attachment": "id instance_id device",
    }.items()
}

_VOLUME: Final = """size volume_type availability_zone image_id snapshot_id source_vol_id attachment
    metadata all_metadata"""
_LISTENER: Final = """loadbalancer_id protocol protocol_port default_pool_id allowed_cidrs connection_limit
    admin_state_up timeout_client_data timeout_member_connect timeout_member_data timeout_tcp_inspect
    sni_container_refs default_tls_container_ref tags"""

_BY_TYPE: Final[Mapping[str, str]] = {
    "compute_instance_v2": """image_id image_name flavor_id flavor_name security_groups availability_zone
        availability_zone_hints network block_device config_drive key_pair scheduler_hints access_ip_v4
        access_ip_v6 power_state hypervisor_hostname floating_ip volume metadata all_metadata tags all_tags
        stop_before_destroy network_mode""",
    "compute_flavor_v2": "flavor_id ram vcpus disk is_public",
    "compute_keypair_v2": "fingerprint",
    "compute_servergroup_v2": "policies rules members",
    "compute_interface_attach_v2": "instance_id port_id network_id fixed_ip",
    "compute_volume_attach_v2": "instance_id volume_id device",
    "compute_floatingip_associate_v2": "floating_ip instance_id fixed_ip",
    "compute_floatingip_v2": "address pool fixed_ip instance_id",
    "compute_secgroup_v2": "rule",
    "compute_availability_zones_v2": "names state",
    "blockstorage_volume_v1": _VOLUME,
    "blockstorage_volume_v2": _VOLUME,
    "blockstorage_volume_v3": _VOLUME + " multiattach",
    "blockstorage_volume_attach_v2": "volume_id host_name device",
    "blockstorage_volume_attach_v3": "volume_id host_name device",
    "images_image_v2": "image_id status visibility container_format disk_format min_disk_gb min_ram_mb tags",
    "networking_network_v2": """admin_state_up shared external mtu port_security_enabled segments network_id
        availability_zone_hints transparent_vlan dns_domain subnets tags all_tags""",
    "networking_subnet_v2": """network_id subnet_id cidr prefix_length ip_version gateway_ip no_gateway
        enable_dhcp dhcp_enabled allocation_pool allocation_pools dns_nameservers host_routes
        ipv6_address_mode ipv6_ra_mode subnetpool_id service_types tags all_tags""",
    "networking_subnet_route_v2": "subnet_id destination_cidr next_hop",
    "networking_router_v2": """admin_state_up distributed router_id external_gateway external_network_id
        enable_snat external_fixed_ip external_subnet_ids availability_zone_hints tags all_tags""",
    "networking_router_interface_v2": "router_id subnet_id port_id",
    "networking_router_route_v2": "router_id destination_cidr next_hop",
    "networking_port_v2": """network_id port_id admin_state_up mac_address device_id device_owner fixed_ip
        no_fixed_ip all_fixed_ips security_group_ids no_security_groups all_security_group_ids
        allowed_address_pairs port_security_enabled binding dns_name tags all_tags""",
    "networking_port_ids_v2": "ids",
    "networking_port_secgroup_associate_v2": """port_id security_group_ids enforce
        all_security_group_ids""",
    "networking_trunk_v2": "port_id admin_state_up sub_port tags all_tags",
    "networking_floatingip_v2": """address pool port_id fixed_ip subnet_id subnet_ids dns_name dns_domain
        tags all_tags""",
    "networking_floatingip_associate_v2": "floating_ip port_id fixed_ip",
    "networking_portforwarding_v2": """floatingip_id internal_port_id internal_ip_address internal_port
        external_port protocol""",
    "networking_secgroup_v2": "secgroup_id stateful tags all_tags",
    "networking_secgroup_rule_v2": """security_group_id direction ethertype protocol port_range_min
        port_range_max remote_ip_prefix remote_group_id remote_address_group_id""",
    "lb_loadbalancer_v2": """vip_address vip_port_id vip_subnet_id vip_network_id vip_qos_policy_id
        loadbalancer_provider flavor_id flavor availability_zone admin_state_up security_group_ids tags""",
    "lb_listener_v2": _LISTENER,
    "lb_pool_v2": """loadbalancer_id listener_id protocol lb_method persistence admin_state_up
        alpn_protocols tls_enabled tags""",
    "lb_member_v2": """pool_id address protocol_port subnet_id weight backup monitor_address monitor_port
        admin_state_up tags""",
    "lb_members_v2": "pool_id member",
    "lb_monitor_v2": """pool_id type delay timeout max_retries max_retries_down url_path http_method
        expected_codes admin_state_up""",
    "lb_l7policy_v2": "listener_id action position redirect_pool_id admin_state_up",
    "lb_l7rule_v2": "l7policy_id type compare_type invert admin_state_up",
    "lb_member_v1": "pool_id address port weight admin_state_up",
    "lb_monitor_v1": "type delay timeout max_retries url_path http_method expected_codes admin_state_up",
    "lb_pool_v1": "protocol subnet_id lb_method lb_provider monitor_ids",
    "lb_vip_v1": "subnet_id protocol port pool_id address port_id floating_ip admin_state_up conn_limit",
    "dns_zone_v2": "type ttl",
    "dns_recordset_v2": "zone_id type ttl records",
}


def is_openstack(resource_type: str) -> bool:
    """True for types of terraform-provider-openstack, whatever registry or fork the provider came from."""
    return resource_type.startswith("openstack_")


def allowed(resource_type: str) -> Allowed:
    """The attributes that are kept of `resource_type`: name -> names inside a block, None = a plain value.

    A type that replank does not know keeps what every type keeps.
    """
    names = f"{_EVERY_TYPE} {_BY_TYPE.get(resource_type.removeprefix('openstack_'), '')}".split()
    return {name: _BLOCKS.get(name) for name in names}
