variable "cloud" {
  type = string
}

variable "cluster_name" {
  type = string
}

variable "public_key" {
  type = string
}

variable "image" {
  type = string
}

variable "ssh_user" {
  type    = string
  default = "debian"
}

variable "number_of_k8s_masters" {
  description = "Masters with etcd and a floating IP"
  type        = number
}

variable "flavor_k8s_master" {
  type = string
}

variable "k8s_nodes" {
  type = map(object({
    group       = string
    flavor      = string
    floating_ip = bool
  }))
}

variable "network_name" {
  type = string
}

variable "subnet_cidr" {
  type = string
}

variable "dns_nameservers" {
  type    = list(string)
  default = []
}

variable "external_net" {
  description = "Name of the network of the floating IPs"
  type        = string
}

variable "allowed_address_pairs" {
  description = "Pod and service networks: Calico sends their addresses as they are"
  type        = list(string)
  default     = []
}

variable "master_server_group_policy" {
  type    = string
  default = "soft-anti-affinity"
}

variable "k8s_master_loadbalancer_enabled" {
  type    = bool
  default = true
}

variable "k8s_master_loadbalancer_listener_port" {
  type    = number
  default = 6443
}

variable "k8s_master_loadbalancer_server_port" {
  type    = number
  default = 6443
}
