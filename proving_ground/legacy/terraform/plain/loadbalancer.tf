resource "openstack_lb_loadbalancer_v2" "api" {
  name          = "${var.cluster}-api"
  vip_subnet_id = openstack_networking_subnet_v2.cluster.id
}

resource "openstack_lb_listener_v2" "api" {
  name                = "${var.cluster}-api"
  protocol            = "TCP"
  protocol_port       = var.api_port
  loadbalancer_id     = openstack_lb_loadbalancer_v2.api.id
  timeout_client_data = 3600000
  timeout_member_data = 3600000
}

resource "openstack_lb_pool_v2" "api" {
  name        = "${var.cluster}-api"
  protocol    = "TCP"
  lb_method   = "ROUND_ROBIN"
  listener_id = openstack_lb_listener_v2.api.id
}

resource "openstack_lb_monitor_v2" "api" {
  name        = "${var.cluster}-api"
  pool_id     = openstack_lb_pool_v2.api.id
  type        = "TCP"
  delay       = 5
  timeout     = 3
  max_retries = 3
}

resource "openstack_lb_member_v2" "api" {
  count         = var.masters
  name          = "${var.cluster}-master-${count.index + 1}"
  pool_id       = openstack_lb_pool_v2.api.id
  address       = openstack_compute_instance_v2.master[count.index].access_ip_v4
  protocol_port = var.api_port
  subnet_id     = openstack_networking_subnet_v2.cluster.id
}

resource "openstack_networking_floatingip_v2" "api" {
  count       = var.api_floating_ip ? 1 : 0
  pool        = var.external_network
  description = "API of ${var.cluster}"
}

resource "openstack_networking_floatingip_associate_v2" "api" {
  count       = var.api_floating_ip ? 1 : 0
  floating_ip = openstack_networking_floatingip_v2.api[0].address
  port_id     = openstack_lb_loadbalancer_v2.api.vip_port_id

  depends_on = [openstack_networking_router_interface_v2.cluster]
}
