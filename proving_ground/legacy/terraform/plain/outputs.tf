output "api" {
  description = "Where the API is reached"
  value = {
    address = (
      var.api_floating_ip
      ? openstack_networking_floatingip_associate_v2.api[0].floating_ip
      : openstack_lb_loadbalancer_v2.api.vip_address
    )
    port = var.api_port
  }
}

output "network" {
  value = {
    network_id = openstack_networking_network_v2.cluster.id
    subnet_id  = openstack_networking_subnet_v2.cluster.id
    router_id  = openstack_networking_router_v2.cluster.id
  }
}

output "machines" {
  value = concat(
    [
      for machine in openstack_compute_instance_v2.master : {
        name      = machine.name
        group     = "master"
        address   = machine.access_ip_v4
        server_id = machine.id
        port_id   = machine.network[0].port
      }
    ],
    [
      for key, machine in openstack_compute_instance_v2.worker : {
        name      = machine.name
        group     = local.workers[key].group
        address   = machine.access_ip_v4
        server_id = machine.id
        port_id   = machine.network[0].port
      }
    ],
  )
}
