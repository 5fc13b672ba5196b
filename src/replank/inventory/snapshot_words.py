"""How the things in a snapshot are called and told apart when two snapshots are compared."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

_SHORT = 8


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of thing. `key`: fields that tell two apart. `label`: fields that name one to a person."""

    word: str
    key: tuple[str, ...]
    label: tuple[str, ...]


NOUNS: Final = {
    "Server": Noun("server", ("id",), ("name", "id")),
    "Port": Noun("port", ("id",), ("name", "id")),
    "Network": Noun("network", ("id",), ("name", "id")),
    "Subnet": Noun("subnet", ("id",), ("name", "id")),
    "Router": Noun("router", ("id",), ("name", "id")),
    "FloatingIP": Noun("floating IP", ("id",), ("address",)),
    "SecurityGroup": Noun("security group", ("id",), ("name", "id")),
    "SecurityGroupRule": Noun(
        "rule", ("id",), ("direction", "protocol", "port_min", "port_max", "remote_ip", "remote_group_id")
    ),
    "Volume": Noun("volume", ("id",), ("name", "id")),
    "VolumeAttachment": Noun("attachment", ("server_id",), ("server_id", "device")),
    "ServerGroup": Noun("server group", ("id",), ("name", "id")),
    "LoadBalancer": Noun("load balancer", ("id",), ("name", "id")),
    "Listener": Noun("listener", ("id",), ("name", "protocol", "protocol_port")),
    "Pool": Noun("pool", ("id",), ("name",)),
    "PoolMember": Noun("member", ("id",), ("address", "protocol_port")),
    "Flavor": Noun("flavor", ("id",), ("name",)),
    "Image": Noun("image", ("id",), ("name", "id")),
    "AvailabilityZone": Noun("zone", ("service", "name"), ("name", "service")),
    "Quota": Noun("quota", ("resource",), ("resource",)),
    "MissingResource": Noun("resource gone from the cloud", ("address", "id"), ("address",)),
    "Difference": Noun(
        "difference of state and cloud", ("address", "id", "attribute"), ("address", "attribute")
    ),
    "Discovered": Noun("resource in no state", ("kind", "id"), ("kind", "name", "id")),
    "SharedResource": Noun("shared resource", ("kind", "id", "shared_with"), ("kind", "name")),
    "Node": Noun("node", ("name",), ("name",)),
    "Taint": Noun("taint", ("key", "effect"), ("key", "value", "effect")),
    "Addon": Noun("add-on", ("kind", "namespace", "workload", "name"), ("name",)),
    "EtcdPod": Noun("etcd pod", ("pod",), ("pod",)),
    "StaticPodStatus": Noun("control-plane pod", ("pod",), ("pod",)),
    "WorkloadFact": Noun("workload", ("kind", "namespace", "name"), ("kind", "namespace", "name")),
    "DisruptionBudget": Noun("PodDisruptionBudget", ("namespace", "name"), ("namespace", "name")),
    "PersistentVolumeFact": Noun("persistent volume", ("name",), ("name",)),
    "LoadBalancerService": Noun("load-balancer Service", ("namespace", "name"), ("namespace", "name")),
    "Webhook": Noun("webhook", ("kind", "configuration", "name"), ("configuration", "name")),
    "ExtraArg": Noun("flag", ("name",), ("name",)),
    "HostPathMount": Noun("mount", ("name",), ("name",)),
    "Provider": Noun("provider", ("name", "namespace"), ("name",)),
    "ServedKind": Noun("kind", ("group", "kind"), ("kind", "group")),
    "HostFacts": Noun("machine", ("server", "address"), ("server",)),
    "CertificateFile": Noun("certificate", ("path",), ("path",)),
    "FileFact": Noun("file", ("path",), ("path",)),
    "ReferencedFile": Noun("file", ("component", "flag", "path"), ("path", "component", "flag")),
    "StaticPod": Noun("static pod", ("component", "path"), ("component",)),
    "EtcdMember": Noun("etcd member", ("id",), ("name", "id")),
    "Package": Noun("package", ("name",), ("name",)),
    "HostLeftover": Noun("leftover", ("kind", "path", "name"), ("kind", "name")),
    "StateFile": Noun("state", ("source", "workspace"), ("source",)),
    "TerraformResource": Noun("resource", ("state", "address", "deposed"), ("address", "deposed")),
    "LegacyMachine": Noun("machine", ("name",), ("name",)),
    "Conflict": Noun("conflict", ("subject", "says"), ("subject", "says")),
    "NodeRuntime": Noun("runtime of", ("node",), ("node",)),
    "TextFile": Noun("file", ("path",), ("path",)),
    "RuntimeFile": Noun("file", ("path",), ("path",)),
    "ContainerdFile": Noun("file", ("path",), ("path",)),
    "DockerSetting": Noun("setting", ("key", "where"), ("key",)),
    "RegistryHosts": Noun("hosts.toml of", ("namespace", "path"), ("namespace",)),
    "RegistryCertificates": Noun("certificates of", ("registry",), ("registry",)),
    "RegistryLogin": Noun("login for", ("registry", "where"), ("registry", "where")),
    "ProxySetting": Noun("proxy", ("name", "where"), ("name", "where")),
    "ImageInUse": Noun("image", ("id",), ("id",)),
    "CniNetwork": Noun("CNI network", ("path",), ("name", "path")),
    "StoredAddress": Noun("address", ("network", "address"), ("address",)),
    "OtherContainer": Noun("container", ("id",), ("name",)),
    "DockerUser": Noun("call of Docker", ("path", "line"), ("path", "line")),
    "RuntimeMount": Noun("mount", ("namespace", "owner", "path"), ("namespace", "owner", "path")),
    "OnceOnlyPod": Noun("pod", ("namespace", "name"), ("namespace", "name")),
    "HostPort": Noun("host port", ("node", "port", "protocol", "host_ip"), ("port", "protocol", "node")),
    "NetworkDaemon": Noun("CNI", ("namespace", "workload"), ("name",)),
    "ProblemDetector": Noun("node-problem-detector", ("namespace", "workload"), ("namespace", "workload")),
    "NodeAgent": Noun("agent", ("product", "namespace", "workload"), ("product", "workload")),
    "Builder": Noun("builder", ("namespace", "owner", "image"), ("namespace", "owner")),
    "DockerExpression": Noun(
        "rule or panel", ("namespace", "source", "key", "name"), ("namespace", "source", "name")
    ),
    "LogAgent": Noun("log agent", ("namespace", "workload", "container"), ("namespace", "workload")),
    "LogInput": Noun("input", ("name", "place"), ("name",)),
    "Keeper": Noun("maker of machines", ("kind", "name"), ("kind", "name")),
    "CurrentSet": Noun("MachineSet", ("name",), ("name",)),
    "ControlledMachine": Noun("Machine", ("name",), ("name",)),
    "BootstrapSpec": Noun("configuration", ("kind", "name"), ("kind", "name")),
    "Registration": Noun("registration", ("part",), ("part",)),
    "RuntimeArgument": Noun("argument", ("name",), ("name",)),
    "Mention": Noun("line", ("place", "line", "word"), ("place", "line")),
    "MachineTemplate": Noun("template", ("kind", "name"), ("kind", "name")),
    "HealthCheck": Noun("MachineHealthCheck", ("name",), ("name",)),
}
"""Dataclass name -> noun. What is not here (an address, a piece of evidence) is a value: it comes or goes."""

_WORDS: Final = {
    "terraform": "Terraform",
    "openstack": "OpenStack",
    "kubernetes": "Kubernetes",
    "management": "the management cluster",
    "provider_id": "providerID",
    "system_uuid": "systemUUID",
    "db_size_bytes": "database size in bytes",
    "size_gib": "size in GiB",
    "not_after": "end of validity",
    "kubeadm_config": "kubeadm configuration",
    "etcd_local": "stacked etcd",
    "etcd_external": "external etcd",
    "vip_address": "VIP",
    "fixed_ips": "addresses",
    "cluster_info": "cluster-info",
    "os_release": "operating system",
    "os_image": "operating system",
    "hosts": "machines by SSH",
    "runtimes": "the runtimes",
    "cluster_api": "objects of Cluster API",
    "project_id": "project ID",
}


def field_words(name: str) -> str:
    """A field's name as a person would say it."""
    return _WORDS.get(name, name.replace("_", " "))


def noun_of(value: object) -> Noun | None:
    """The noun of a dataclass instance, None if it is only a value."""
    return NOUNS.get(type(value).__name__)


def called(value: Any, noun: Noun) -> str:
    """`server cp-1 (3f2a77c1)`. IDs are cut to their first part, and stand alone where there is no name."""
    words: list[str] = []
    for field in noun.label:
        part = getattr(value, field)
        if part in ("", None):
            continue
        if field == "id" or field.endswith("_id"):
            short = str(part) if len(str(part)) < 32 else str(part)[:_SHORT]
            words.append(f"({short})" if words else short)
        else:
            words.append(str(part))
    separator = ":" if noun.word == "member" else " "
    return f"{noun.word} {separator.join(words)}".rstrip()


def value_words(value: object) -> str:
    """A small dataclass in one line: its fields that say something."""
    parts = []
    for field in fields(value):  # type: ignore[arg-type]
        content = getattr(value, field.name)
        if content not in ("", None, (), {}):
            parts.append(str(content) if isinstance(content, str) else f"{field_words(field.name)} {content}")
    return ", ".join(parts) or "an empty one"
