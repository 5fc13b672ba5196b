output "k8s_master_ips" {
  value = openstack_compute_instance_v2.k8s_master
}

output "machines" {
  value = concat(
    [
      for machine in openstack_compute_instance_v2.k8s_master : {
        name      = machine.name
        group     = "master"
        address   = machine.access_ip_v4
        server_id = machine.id
        port_id   = machine.network[0].port
      }
    ],
    [
      for key, machine in openstack_compute_instance_v2.k8s_nodes : {
        name      = machine.name
        group     = var.k8s_nodes[key].group
        address   = machine.access_ip_v4
        server_id = machine.id
        port_id   = machine.network[0].port
      }
    ],
  )
}
