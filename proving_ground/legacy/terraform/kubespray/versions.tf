# Module, resource and object names are those of Kubespray's contrib/terraform/openstack, for the parts that a
# cluster without bastion, separate etcd and GlusterFS has. The rest of the text is the proving ground's own.
terraform {
  required_version = ">= 0.14"

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.17"
    }
  }
}

provider "openstack" {
  cloud = var.cloud
}
