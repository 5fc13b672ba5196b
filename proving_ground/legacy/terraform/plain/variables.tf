variable "cloud" {
  description = "Entry of clouds.yaml"
  type        = string
}

variable "cluster" {
  description = "Name of the cluster; everything is called after it"
  type        = string
}

variable "cidr" {
  description = "Network of the machines"
  type        = string
}

variable "dns_nameservers" {
  type    = list(string)
  default = []
}

variable "external_network" {
  description = "Network of the floating IPs"
  type        = string
}

variable "image" {
  type = string
}

variable "ssh_public_key" {
  type = string
}

variable "masters" {
  type    = number
  default = 3
}

variable "master_flavor" {
  type = string
}

variable "master_address_pairs" {
  description = "Further networks from which a master may send: pods, virtual addresses"
  type        = list(string)
  default     = []
}

variable "workers" {
  description = "Groups of workers"
  type = map(object({
    count         = number
    flavor        = string
    address_pairs = list(string)
  }))
}

variable "api_port" {
  type    = number
  default = 6443
}

variable "api_floating_ip" {
  description = "Whether the API is reached at a floating IP"
  type        = bool
  default     = false
}
