resource "openstack_networking_floatingip_v2" "k8s_master" {
  count = var.number_of_k8s_masters
  pool  = var.floatingip_pool
}

resource "openstack_networking_floatingip_v2" "k8s_nodes" {
  for_each = { for key, node in var.k8s_nodes : key => node if node.floating_ip }
  pool     = var.floatingip_pool
}

output "k8s_master_fips" {
  value = openstack_networking_floatingip_v2.k8s_master[*].address
}

output "k8s_nodes_fips" {
  value = openstack_networking_floatingip_v2.k8s_nodes
}
