"""Twin SSH servers: a bastion on 127.0.0.1 and, through it, each machine's own server.

The client speaks real SSH: it logs in to the bastion, opens direct-tcpip channels to the machines' fixed
addresses, port 22, and logs in there; every machine has its own host key.

What a machine answers comes from its `Machine` (testbed/world.py). The generator gives:

`files`, absolute path -> FileEntry, whatever a survey lists, reads, hashes or counts in:
    /etc/os-release; /sys/class/dmi/id/product_uuid (mode 0400)
    /etc/kubernetes/manifests/*.yaml (mode 0600), /etc/kubernetes/{admin,super-admin,controller-manager,
    scheduler,kubelet}.conf (0600)
    /etc/kubernetes/pki/** or /etc/kubernetes/ssl/** with *.crt, *.key (0600) and sa.pub; Kubespray's
    /etc/ssl/etcd/ssl/*.pem
    files that component flags point at (encryption, audit policy, ...), at their path on the host
    /proc/<pid>/cmdline of the kubelet: its arguments, each ended by a NUL byte (`pgrep` answers from it)
    /var/lib/kubelet/config.yaml, instance-config.yaml, kubeadm-flags.env; Kubespray:
    /etc/kubernetes/kubelet.env and kubelet-config.yaml
    systemd units and drop-ins under /etc/systemd/system or /usr/lib/systemd/system (the kubelet's drop-ins in
    .../kubelet.service.d/*.conf); cron entries in /etc/cron.d, /var/spool/cron/crontabs; with
    `package="..."` where a package owns them, else they count as left by somebody
    /var/lib/cloud/instance/user-data.txt (0600); /var/log/dpkg.log;
    /etc/ssh/ssh_host_ed25519_key.pub and /var/lib/dpkg/info/kubelet.list with `modified` (first boot,
    package's installation)
    A file without read permission for others is only served with sudo.
`packages` and `held`: for dpkg-query. Leave `packages` empty for a machine without dpkg.
`commands`, exact line -> stdout, looked up before anything else. Build the line with the survey's own list:
    `commands.ETCD_MEMBERS.call(ca=..., cert=..., key=..., url=...).line` and `ETCD_STATUS` likewise: the
    JSON of etcd's gateway (IDs are decimal text, as etcd writes them). ca, cert, key and url are those of the
    kube-apiserver manifest's --etcd-cafile, --etcd-certfile, --etcd-keyfile and the first --etcd-servers.
    `commands.CONTAINERD.call().line` ("containerd --version"), CRIO, DOCKER: their version line.
    `commands.ADDRESSES.call().line` ("ip -o addr show"): optional, a plain machine's addresses are made up.
    `commands.HOSTNAME.call().line` ("hostname"): optional, the server's name otherwise.
`sudo` False: every `sudo -n` is refused. `up` False: the bastion answers "Connection refused".

A command outside the survey's list ends with 127, as a shell ends for an unknown command; each is kept in
`SshTwin.strange_commands`.
"""

from __future__ import annotations
