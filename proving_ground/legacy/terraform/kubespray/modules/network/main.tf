resource "openstack_networking_router_v2" "k8s" {
  count               = var.use_neutron
  name                = "${var.cluster_name}-router"
  admin_state_up      = true
  external_network_id = var.external_net
}

resource "openstack_networking_network_v2" "k8s" {
  count          = var.use_neutron
  name           = var.network_name
  admin_state_up = true
}

resource "openstack_networking_subnet_v2" "k8s" {
  count           = var.use_neutron
  name            = "${var.cluster_name}-internal-network"
  network_id      = openstack_networking_network_v2.k8s[0].id
  cidr            = var.subnet_cidr
  ip_version      = 4
  dns_nameservers = var.dns_nameservers
}

resource "openstack_networking_router_interface_v2" "k8s" {
  count     = var.use_neutron
  router_id = openstack_networking_router_v2.k8s[0].id
  subnet_id = openstack_networking_subnet_v2.k8s[0].id
}

output "network_id" {
  value = openstack_networking_network_v2.k8s[0].id
}

output "subnet_id" {
  value = openstack_networking_subnet_v2.k8s[0].id
}

output "router_id" {
  value = openstack_networking_router_v2.k8s[0].id
}
