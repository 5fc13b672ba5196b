variable "cluster_name" {}
variable "network_name" {}
variable "subnet_cidr" {}
variable "external_net" {}

variable "dns_nameservers" {
  type = list(string)
}

variable "use_neutron" {
  type = number
}
