"""A machine seen over SSH, read only. Of a key file only path, owner and mode are kept, never the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replank.domain.unknown import Fact
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import ExtraArg, HostPathMount


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFile:
    """An X.509 certificate on disk. Times RFC 3339 UTC. `sha256`: fingerprint of the certificate (DER)."""

    path: str
    sha256: str
    subject: str
    issuer: str
    not_before: str
    not_after: str
    is_ca: bool = False
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFact:
    """A file by its metadata. `mode`: octal text, `0600`.

    `content`: sha256 of a file without secrets; for a file that holds secrets the text `secret` (never a
    hash); "" where it was not asked for.
    """

    path: str
    mode: str
    owner: str
    group: str
    size: int
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedFile:
    """A file that a flag of a control-plane component points at, as seen on the host.

    `component`: kube-apiserver, ...; `flag`: without dashes. `purpose`: encryption | audit | authentication |
    authorization | admission | oidc | kubeconfig | other. `file` None: it does not exist. `secret`: its
    content must only travel by reference.
    """

    component: str
    flag: str
    path: str
    purpose: str
    secret: bool
    file: FileFact | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPod:
    """A static pod manifest of a known control-plane component or etcd.

    `args`: flags as written, in order (only of kube-apiserver, kube-controller-manager, kube-scheduler and
    etcd; other pods keep none). `volumes`: hostPath mounts. `env_names`: names only.
    """

    component: str
    path: str
    image: str
    args: tuple[ExtraArg, ...] = ()
    volumes: tuple[HostPathMount, ...] = ()
    env_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdMember:
    """An etcd member as etcd itself lists it. `id`: hexadecimal."""

    id: str
    name: str
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    learner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdFacts:
    """etcd as this host runs or reaches it. `db_size_bytes` from etcd's status, `version` like 3.6.16."""

    members: tuple[EtcdMember, ...]
    version: str = ""
    db_size_bytes: int | None = None
    healthy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletFacts:
    """The kubelet as it is started. `flags`: effective command line; `config`: parsed config file.

    `config` keeps every key but those in replank's list of secret-bearing ones. `unit_drop_ins`: paths.
    `running` False: no process was found, and `flags` are those of the environment files. `instance_config`:
    kubeadm's instance-config.yaml (NodeLocalCRISocket), empty if there is none.
    """

    flags: tuple[ExtraArg, ...] = ()
    config_path: str = ""
    config: Mapping[str, JSON] = field(default_factory=dict)
    unit_drop_ins: tuple[str, ...] = ()
    kubeconfig_server: str = ""
    running: bool = True
    instance_config: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed package that matters (kubelet, kubeadm, containerd, docker, keepalived, ...)."""

    name: str
    version: str
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLeftover:
    """Something that made or changed the machine after boot (Ansible): a cron entry or an own systemd unit.

    `name` only, and where it lies; no content.
    """

    kind: Literal["cron", "unit"]
    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """One machine over SSH.

    `server`: name of the OpenStack server that it was reached for. `address`: where SSH went. `hostname`: as
    the host says. `system_uuid`: from firmware (DMI; equals the Nova server's UUID on KVM), "" = firmware
    gives none, and the kubelet reports `machine_id` (/etc/machine-id) instead. `keys`: key files by metadata.
    `cloud_init_kubernetes`: True if the machine's image or user data set up Kubernetes, False if
    something else did it after boot (then a *new* machine from the same image has no kubelet).
    `host_key_checked` False: fleet.yaml switched the check off, so the machine may be another one.
    """

    server: str
    address: str
    hostname: Fact[str]
    system_uuid: Fact[str]
    os_release: Fact[str]
    certificates: Fact[tuple[CertificateFile, ...]]
    keys: Fact[tuple[FileFact, ...]]
    static_pods: Fact[tuple[StaticPod, ...]]
    referenced_files: Fact[tuple[ReferencedFile, ...]]
    etcd: Fact[EtcdFacts | None]
    kubelet: Fact[KubeletFacts]
    packages: Fact[tuple[Package, ...]]
    runtime: Fact[str]
    leftovers: Fact[tuple[HostLeftover, ...]]
    virtual_ips: Fact[tuple[str, ...]]
    cloud_init_kubernetes: Fact[bool]
    host_key_checked: Fact[bool] = True
    machine_id: Fact[str] = ""
