data "openstack_networking_network_v2" "external" {
  name = var.external_network
}

resource "openstack_networking_network_v2" "cluster" {
  name           = var.cluster
  admin_state_up = true
  tags           = [var.cluster]
}

resource "openstack_networking_subnet_v2" "cluster" {
  name            = "${var.cluster}-subnet"
  network_id      = openstack_networking_network_v2.cluster.id
  cidr            = var.cidr
  ip_version      = 4
  dns_nameservers = var.dns_nameservers
}

resource "openstack_networking_router_v2" "cluster" {
  name                = "${var.cluster}-router"
  admin_state_up      = true
  external_network_id = data.openstack_networking_network_v2.external.id
}

resource "openstack_networking_router_interface_v2" "cluster" {
  router_id = openstack_networking_router_v2.cluster.id
  subnet_id = openstack_networking_subnet_v2.cluster.id
}
