#cloud-config
# The key and the name; Ansible does the rest.
hostname: ${hostname}
fqdn: ${hostname}
ssh_authorized_keys:
  - ${key}
