"""The world of a twin: what its servers answer, as plain data.

The generator (`testbed/fleet/`) makes a `World`; the servers in `testbed/serve/` serve it. Objects are raw
API documents, exactly as the real services answer them (Nova 2.1, Neutron v2.0, Octavia v2, Glance v2,
Cinder v3, Kubernetes), so that the real client libraries parse them. Secrets that a careless survey might
keep (user data, tokens, environment values) are planted in them on purpose: `planted_secrets`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass(slots=True)
class Project:
    """One OpenStack project in one region.

    `collections`: service -> collection -> documents, e.g. `["compute"]["servers"]`,
    `["network"]["ports"]`, `["load-balancer"]["loadbalancers"]`, `["image"]["images"]`,
    `["block-storage"]["volumes"]`. Load balancer members lie in their pool's document under `members_full`.
    `quotas`: service -> quota document as that service answers it.
    """

    cloud: str
    project_id: str
    project_name: str
    user_name: str
    password: str
    region: str = "RegionOne"
    roles: tuple[str, ...] = ("member", "reader", "load-balancer_member")
    collections: dict[str, dict[str, list[Document]]] = field(default_factory=dict)
    quotas: dict[str, Document] = field(default_factory=dict)


@dataclass(slots=True)
class ApiServer:
    """One Kubernetes API server.

    `objects`: full objects with apiVersion, kind and metadata. PEM texts: `ca_cert` signs `server_cert` (with
    the endpoint among its SANs) and the client certificates that are let in as cluster-admin. `tokens`:
    bearer tokens that are let in as well.
    """

    version: str
    ca_cert: str
    server_cert: str
    server_key: str
    objects: list[Document] = field(default_factory=list)
    tokens: tuple[str, ...] = ()


@dataclass(slots=True)
class FileEntry:
    """A file of a machine. `content` bytes; `mode` octal text like `0600`.

    `package`: the package that owns it, "" = none. `modified`, `born`: seconds since 1970; 0 = unknown.
    """

    content: bytes
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    package: str = ""
    modified: int = 0
    born: int = 0


@dataclass(slots=True)
class Machine:
    """A machine behind SSH.

    `server_name`, `server_id`: its Nova server. `files`: absolute path -> entry. `packages`: dpkg name ->
    version, `held`: names on hold. `units`: systemd unit -> state. `commands`: an exact command line (as the
    survey runs it, without `sudo -n`) -> its stdout, for what files cannot answer (etcd's member list, ip
    addresses, hostname). `sudo`: whether `sudo -n` works. `host_key`: PEM of the SSH host key. `address`: its
    fixed IPv4 address, where the jump host reaches it; the same as in Nova and Neutron. `known_host_key`: PEM
    of the host key that the operator's known_hosts has, "" = the same (another one = it has changed).
    `debs`: what apt can fetch, `name=version` -> the .deb.
    """

    server_name: str
    server_id: str
    host_key: str
    files: dict[str, FileEntry] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    sudo: bool = True
    up: bool = True
    address: str = ""
    known_host_key: str = ""
    debs: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class TwinCluster:
    """One legacy cluster: its API and machines, and its files on the operator's disk.

    `state_files`: relative path -> document (Terraform state v4). `state_only`: patterns of resource
    addresses where a state file holds several clusters. `client_cert`/`client_key`: PEM for the operator's
    kubeconfig; `kubeconfig_token`: if set, the kubeconfig has this token and no client certificate.
    `state_locks`: relative path -> content of a lock somebody holds.
    """

    name: str
    cloud: str
    api: ApiServer
    client_cert: str
    client_key: str
    machines: list[Machine] = field(default_factory=list)
    state_files: dict[str, Document] = field(default_factory=dict)
    state_only: tuple[str, ...] = ()
    kubeconfig_token: str = ""
    state_locks: dict[str, Document] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """A fleet's world, made from `seed` and a point in time alone.

    `planted_secrets`: texts that no snapshot, plan, page or message may hold. `bastion_host_key`: PEM of the
    jump host's SSH key. `ssh_client_key`: PEM (PKCS#8) of the operator's SSH key.
    """

    seed: int
    projects: list[Project] = field(default_factory=list)
    clusters: list[TwinCluster] = field(default_factory=list)
    management: ApiServer | None = None
    management_client_cert: str = ""
    management_client_key: str = ""
    ssh_user: str = "ubuntu"
    ssh_client_key: str = ""
    planted_secrets: tuple[str, ...] = ()
    bastion_host_key: str = ""
