locals {
  # "md-1" => { group = "md", ... }
  workers = merge([
    for group, wanted in var.workers : {
      for n in range(1, wanted.count + 1) : "${group}-${n}" => merge(wanted, { group = group })
    }
  ]...)
}

data "openstack_images_image_v2" "node" {
  name        = var.image
  most_recent = true
}

resource "openstack_compute_keypair_v2" "cluster" {
  name       = var.cluster
  public_key = var.ssh_public_key
}

resource "openstack_compute_servergroup_v2" "masters" {
  name     = "${var.cluster}-masters"
  policies = ["soft-anti-affinity"]
}

resource "openstack_compute_servergroup_v2" "workers" {
  for_each = var.workers
  name     = "${var.cluster}-${each.key}"
  policies = ["soft-anti-affinity"]
}

resource "openstack_networking_port_v2" "master" {
  count          = var.masters
  name           = "${var.cluster}-master-${count.index + 1}-port"
  network_id     = openstack_networking_network_v2.cluster.id
  admin_state_up = true
  security_group_ids = [
    openstack_networking_secgroup_v2.node.id,
    openstack_networking_secgroup_v2.master.id,
  ]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.cluster.id
  }

  dynamic "allowed_address_pairs" {
    for_each = var.master_address_pairs
    content {
      ip_address = allowed_address_pairs.value
    }
  }
}

resource "openstack_compute_instance_v2" "master" {
  count        = var.masters
  name         = "${var.cluster}-master-${count.index + 1}"
  image_id     = data.openstack_images_image_v2.node.id
  flavor_name  = var.master_flavor
  key_pair     = openstack_compute_keypair_v2.cluster.name
  config_drive = true

  user_data = templatefile("${path.module}/cloud-init.yaml.tpl", {
    hostname = "${var.cluster}-master-${count.index + 1}"
    key      = var.ssh_public_key
  })

  metadata = {
    cluster = var.cluster
    role    = "master"
  }

  network {
    port = openstack_networking_port_v2.master[count.index].id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.masters.id
  }

  # A newer image or other user data must not replace a machine that serves.
  lifecycle {
    ignore_changes = [image_id, user_data]
  }

  depends_on = [openstack_networking_router_interface_v2.cluster]
}

resource "openstack_networking_port_v2" "worker" {
  for_each           = local.workers
  name               = "${var.cluster}-${each.key}-port"
  network_id         = openstack_networking_network_v2.cluster.id
  admin_state_up     = true
  security_group_ids = [openstack_networking_secgroup_v2.node.id]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.cluster.id
  }

  dynamic "allowed_address_pairs" {
    for_each = each.value.address_pairs
    content {
      ip_address = allowed_address_pairs.value
    }
  }
}

resource "openstack_compute_instance_v2" "worker" {
  for_each     = local.workers
  name         = "${var.cluster}-${each.key}"
  image_id     = data.openstack_images_image_v2.node.id
  flavor_name  = each.value.flavor
  key_pair     = openstack_compute_keypair_v2.cluster.name
  config_drive = true

  user_data = templatefile("${path.module}/cloud-init.yaml.tpl", {
    hostname = "${var.cluster}-${each.key}"
    key      = var.ssh_public_key
  })

  metadata = {
    cluster = var.cluster
    role    = "worker"
    group   = each.value.group
  }

  network {
    port = openstack_networking_port_v2.worker[each.key].id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.workers[each.value.group].id
  }

  # A newer image or other user data must not replace a machine that serves.
  lifecycle {
    ignore_changes = [image_id, user_data]
  }

  depends_on = [openstack_networking_router_interface_v2.cluster]
}
