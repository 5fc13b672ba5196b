resource "openstack_compute_keypair_v2" "k8s" {
  name       = "kubernetes-${var.cluster_name}"
  public_key = var.public_key
}

resource "openstack_compute_servergroup_v2" "k8s_master" {
  count    = var.master_server_group_policy != "" ? 1 : 0
  name     = "k8s-master-srvgrp"
  policies = [var.master_server_group_policy]
}

resource "openstack_networking_port_v2" "k8s_master_port" {
  count                 = var.number_of_k8s_masters
  name                  = "${var.cluster_name}-k8s-master-${count.index + 1}"
  network_id            = var.network_id
  admin_state_up        = true
  port_security_enabled = true
  security_group_ids    = local.master_security_groups

  fixed_ip {
    subnet_id = var.subnet_id
  }

  dynamic "allowed_address_pairs" {
    for_each = var.allowed_address_pairs
    content {
      ip_address = allowed_address_pairs.value
    }
  }

  # Ansible and cloud controllers add pairs of their own.
  lifecycle {
    ignore_changes = [allowed_address_pairs]
  }
}

resource "openstack_compute_instance_v2" "k8s_master" {
  count       = var.number_of_k8s_masters
  name        = "${var.cluster_name}-k8s-master-${count.index + 1}"
  image_name  = var.image
  flavor_name = var.flavor_k8s_master
  key_pair    = openstack_compute_keypair_v2.k8s.name

  network {
    port = openstack_networking_port_v2.k8s_master_port[count.index].id
  }

  dynamic "scheduler_hints" {
    for_each = openstack_compute_servergroup_v2.k8s_master[*]
    content {
      group = scheduler_hints.value.id
    }
  }

  metadata = {
    ssh_user         = var.ssh_user
    kubespray_groups = "etcd,kube_control_plane,k8s_cluster"
    depends_on       = var.network_id
    use_access_ip    = "1"
  }
}

resource "openstack_networking_floatingip_associate_v2" "k8s_master" {
  count       = var.number_of_k8s_masters
  floating_ip = var.k8s_master_fips[count.index]
  port_id     = openstack_networking_port_v2.k8s_master_port[count.index].id

  depends_on = [openstack_compute_instance_v2.k8s_master]
}

resource "openstack_networking_port_v2" "k8s_nodes_port" {
  for_each              = var.k8s_nodes
  name                  = "${var.cluster_name}-k8s-node-${each.key}"
  network_id            = var.network_id
  admin_state_up        = true
  port_security_enabled = true
  security_group_ids    = local.worker_security_groups

  fixed_ip {
    subnet_id = var.subnet_id
  }

  dynamic "allowed_address_pairs" {
    for_each = var.allowed_address_pairs
    content {
      ip_address = allowed_address_pairs.value
    }
  }

  lifecycle {
    ignore_changes = [allowed_address_pairs]
  }
}

resource "openstack_compute_instance_v2" "k8s_nodes" {
  for_each    = var.k8s_nodes
  name        = "${var.cluster_name}-k8s-node-${each.key}"
  image_name  = var.image
  flavor_name = each.value.flavor
  key_pair    = openstack_compute_keypair_v2.k8s.name

  network {
    port = openstack_networking_port_v2.k8s_nodes_port[each.key].id
  }

  metadata = {
    ssh_user         = var.ssh_user
    kubespray_groups = "kube_node,k8s_cluster${each.value.floating_ip ? "" : ",no_floating"}"
    depends_on       = var.network_id
    use_access_ip    = "1"
  }
}

resource "openstack_networking_floatingip_associate_v2" "k8s_nodes" {
  for_each    = { for key, node in var.k8s_nodes : key => node if node.floating_ip }
  floating_ip = var.k8s_nodes_fips[each.key].address
  port_id     = openstack_networking_port_v2.k8s_nodes_port[each.key].id

  depends_on = [openstack_compute_instance_v2.k8s_nodes]
}
