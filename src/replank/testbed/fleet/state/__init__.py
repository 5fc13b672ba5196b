"""Terraform and OpenTofu states (v4), as terraform-provider-openstack 1.54 to 3.x fills them."""
