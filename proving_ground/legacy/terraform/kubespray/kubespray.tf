data "openstack_networking_network_v2" "external" {
  name = var.external_net
}

module "network" {
  source          = "./modules/network"
  cluster_name    = var.cluster_name
  network_name    = var.network_name
  subnet_cidr     = var.subnet_cidr
  dns_nameservers = var.dns_nameservers
  external_net    = data.openstack_networking_network_v2.external.id
  use_neutron     = 1
}

module "ips" {
  source                = "./modules/ips"
  number_of_k8s_masters = var.number_of_k8s_masters
  k8s_nodes             = var.k8s_nodes
  floatingip_pool       = var.external_net

  # A floating IP leads to a port only where a router does.
  depends_on = [module.network]
}

module "compute" {
  source                     = "./modules/compute"
  cluster_name               = var.cluster_name
  public_key                 = var.public_key
  image                      = var.image
  ssh_user                   = var.ssh_user
  number_of_k8s_masters      = var.number_of_k8s_masters
  flavor_k8s_master          = var.flavor_k8s_master
  k8s_nodes                  = var.k8s_nodes
  k8s_master_fips            = module.ips.k8s_master_fips
  k8s_nodes_fips             = module.ips.k8s_nodes_fips
  network_id                 = module.network.network_id
  subnet_id                  = module.network.subnet_id
  allowed_address_pairs      = var.allowed_address_pairs
  master_server_group_policy = var.master_server_group_policy

  depends_on = [module.network]
}

module "loadbalancer" {
  source                                = "./modules/loadbalancer"
  cluster_name                          = var.cluster_name
  subnet_id                             = module.network.subnet_id
  floatingip_pool                       = var.external_net
  k8s_master_ips                        = module.compute.k8s_master_ips
  k8s_master_loadbalancer_enabled       = var.k8s_master_loadbalancer_enabled
  k8s_master_loadbalancer_listener_port = var.k8s_master_loadbalancer_listener_port
  k8s_master_loadbalancer_server_port   = var.k8s_master_loadbalancer_server_port

  depends_on = [module.network]
}

output "private_subnet_id" {
  value = module.network.subnet_id
}

output "floating_network_id" {
  value = data.openstack_networking_network_v2.external.id
}

output "k8s_master_fips" {
  value = module.ips.k8s_master_fips
}

# What the proving ground asks.

output "api" {
  value = {
    address = (
      var.k8s_master_loadbalancer_enabled
      ? module.loadbalancer.public_ip
      : module.compute.machines[0].address
    )
    port = var.k8s_master_loadbalancer_listener_port
  }
}

output "network" {
  value = {
    network_id = module.network.network_id
    subnet_id  = module.network.subnet_id
    router_id  = module.network.router_id
  }
}

output "machines" {
  value = module.compute.machines
}
