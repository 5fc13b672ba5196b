locals {
  one = var.k8s_master_loadbalancer_enabled ? 1 : 0
}

resource "openstack_lb_loadbalancer_v2" "k8s_lb" {
  count         = local.one
  name          = "${var.cluster_name}-api-loadbalancer"
  vip_subnet_id = var.subnet_id
}

resource "openstack_lb_listener_v2" "api_listener" {
  count           = local.one
  name            = "api-listener"
  protocol        = "TCP"
  protocol_port   = var.k8s_master_loadbalancer_listener_port
  loadbalancer_id = openstack_lb_loadbalancer_v2.k8s_lb[0].id
}

resource "openstack_lb_pool_v2" "api_pool" {
  count       = local.one
  name        = "api-pool"
  protocol    = "TCP"
  lb_method   = "ROUND_ROBIN"
  listener_id = openstack_lb_listener_v2.api_listener[0].id
}

resource "openstack_lb_member_v2" "lb_member" {
  count         = local.one * length(var.k8s_master_ips)
  name          = var.k8s_master_ips[count.index].name
  pool_id       = openstack_lb_pool_v2.api_pool[0].id
  address       = var.k8s_master_ips[count.index].access_ip_v4
  protocol_port = var.k8s_master_loadbalancer_server_port
}

resource "openstack_lb_monitor_v2" "monitor" {
  count       = local.one
  name        = "Api Monitor"
  pool_id     = openstack_lb_pool_v2.api_pool[0].id
  type        = "TCP"
  delay       = 10
  timeout     = 5
  max_retries = 5
}

resource "openstack_networking_floatingip_v2" "floatip_1" {
  count = local.one
  pool  = var.floatingip_pool
}

resource "openstack_networking_floatingip_associate_v2" "public_ip" {
  count       = local.one
  floating_ip = openstack_networking_floatingip_v2.floatip_1[0].address
  port_id     = openstack_lb_loadbalancer_v2.k8s_lb[0].vip_port_id
}

output "public_ip" {
  value = join("", openstack_networking_floatingip_associate_v2.public_ip[*].floating_ip)
}
