resource "openstack_networking_secgroup_v2" "node" {
  name                 = "${var.cluster}-node"
  description          = "Every machine of ${var.cluster}"
  delete_default_rules = true
}

resource "openstack_networking_secgroup_v2" "master" {
  name        = "${var.cluster}-master"
  description = "Masters of ${var.cluster}"
}

resource "openstack_networking_secgroup_rule_v2" "egress" {
  for_each          = toset(["IPv4", "IPv6"])
  direction         = "egress"
  ethertype         = each.value
  security_group_id = openstack_networking_secgroup_v2.node.id
}

resource "openstack_networking_secgroup_rule_v2" "between_nodes" {
  direction         = "ingress"
  ethertype         = "IPv4"
  remote_group_id   = openstack_networking_secgroup_v2.node.id
  security_group_id = openstack_networking_secgroup_v2.node.id
}

resource "openstack_networking_secgroup_rule_v2" "ssh" {
  description       = "Operators"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.node.id
}

resource "openstack_networking_secgroup_rule_v2" "node_ports" {
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 30000
  port_range_max    = 32767
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.node.id
}

resource "openstack_networking_secgroup_rule_v2" "api" {
  description       = "Load balancer and operators"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = var.api_port
  port_range_max    = var.api_port
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.master.id
}
