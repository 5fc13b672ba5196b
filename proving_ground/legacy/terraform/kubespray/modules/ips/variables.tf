variable "number_of_k8s_masters" {}
variable "floatingip_pool" {}
variable "k8s_nodes" {}
