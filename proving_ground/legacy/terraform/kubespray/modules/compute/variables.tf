variable "cluster_name" {}
variable "public_key" {}
variable "image" {}
variable "ssh_user" {}
variable "number_of_k8s_masters" {}
variable "flavor_k8s_master" {}
variable "k8s_nodes" {}
variable "k8s_master_fips" {}
variable "k8s_nodes_fips" {}
variable "network_id" {}
variable "subnet_id" {}
variable "allowed_address_pairs" {}
variable "master_server_group_policy" {}

variable "k8s_allowed_remote_ips" {
  default = ["0.0.0.0/0"]
}

variable "k8s_allowed_egress_ips" {
  default = ["0.0.0.0/0"]
}
