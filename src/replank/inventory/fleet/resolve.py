"""From one cluster's merged settings to its `ClusterConfig`: paths made absolute, what is missing told."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from replank.inventory.fleet import schema
from replank.inventory.fleet.model import (
    QUIET_SECONDS,
    CapoCredentials,
    CloudRef,
    ClusterConfig,
    EtcdSnapshots,
    KubeconfigRef,
    ManagementTarget,
    NewMachines,
    NodePodAccess,
    Override,
    ProbeTarget,
    SshAccess,
    StateSource,
)

SNAPSHOT_FOLDER: Final = "etcd-snapshots"
"""Beside fleet.yaml, unless `etcd_snapshot.folder` says another."""

CLOUD_IN_CLOUDS_YAML: Final = "openstack"
"""What the cloud is called in the clouds.yaml of CAPO's Secret, unless `credentials.cloud` says another."""

API_PROBES: Final = ("api", "api-reused")
"""Probes that every cluster with a kubeconfig has: new connections, and one connection for all requests."""

# Reports what is wrong: code, field within the cluster's settings, what to say.
Report = Callable[[str, tuple[str | int, ...], str], None]


@dataclass(frozen=True, slots=True)
class Paths:
    """`base`: the folder of fleet.yaml. `home`: what `~` stands for."""

    base: str
    home: str

    def absolute(self, text: str) -> str | None:
        """`text` from `base` on; None for `~user`, which nothing here can look up."""
        if text == "~" or text.startswith("~/"):
            return posixpath.normpath(posixpath.join(self.home, text[2:]))
        if text.startswith("~"):
            return None
        return posixpath.normpath(posixpath.join(self.base, text))


def resolve(name: str, settings: schema.Settings, paths: Paths, report: Report) -> ClusterConfig:
    """One cluster's configuration. Where something is wrong, it is reported and left out."""
    resolver = _Resolver(paths, report)
    management = settings.management or schema.Management()
    management_kubeconfig = resolver.path(("management", "kubeconfig"), management.kubeconfig)
    if management.context and not management_kubeconfig:
        report("RP016", ("management", "context"), "needs `kubeconfig` beside it")
    return ClusterConfig(
        name=name,
        state=resolver.states(settings.state or []),
        cloud=resolver.cloud(settings.cloud),
        kubeconfig=resolver.kubeconfig(settings.kubeconfig),
        ssh=resolver.ssh(settings.ssh),
        node_pod=resolver.node_pod(settings.node_pod, beside_ssh=settings.ssh is not None),
        management=ManagementTarget(
            namespace=resolver.namespace(management.namespace or name),
            kubeconfig=KubeconfigRef(path=management_kubeconfig, context=management.context or "")
            if management_kubeconfig
            else None,
        ),
        new_machines=_machines(settings.new_machines),
        new_control_planes=_machines(settings.new_control_planes),
        overrides=tuple(
            Override(server=entry.server, role=entry.role, group=entry.group or "")
            for entry in settings.overrides or []
        ),
        load_balancer=settings.load_balancer or "auto",
        rename_servers=bool(settings.rename_servers),
        lock_state=settings.lock_state is not False,
        etcd_snapshot=resolver.etcd_snapshot(settings.etcd_snapshot),
        quiet_seconds=settings.quiet_seconds or QUIET_SECONDS,
        credentials=_credentials(settings.credentials),
        probes=resolver.probes(settings.probes or []),
    )


def _credentials(entry: schema.Credentials | None) -> CapoCredentials:
    if entry is None:
        return CapoCredentials()
    cloud = entry.cloud or CLOUD_IN_CLOUDS_YAML
    if entry.identity is not None:
        return CapoCredentials(kind="identity", name=entry.identity, cloud=cloud)
    return CapoCredentials(kind="secret", name=entry.secret or "", cloud=cloud)


def _machines(entry: schema.Machines | None) -> NewMachines:
    if entry is None:
        return NewMachines()
    return NewMachines(image=entry.image or "", flavor=entry.flavor or "", ssh_key=entry.ssh_key or "")


@dataclass(frozen=True, slots=True)
class _Resolver:
    paths: Paths
    report: Report

    def path(self, field: tuple[str | int, ...], text: str | None) -> str:
        if text is None:
            return ""
        absolute = self.paths.absolute(text)
        if absolute is None:
            self.report("RP013", field, "begins with `~user`, which is not looked up; write the whole path")
            return ""
        return absolute

    def namespace(self, text: str) -> str:
        if not schema.is_dns_label(text):
            self.report("RP013", ("management", "namespace"), "is not a valid name of a namespace")
        return text

    def cloud(self, entry: schema.Cloud | None) -> CloudRef | None:
        if entry is None:
            return None
        if not entry.name:
            self.report("RP016", ("cloud",), "needs `name`, the cloud's name in clouds.yaml")
            return None
        clouds_yaml = self.path(("cloud", "clouds_yaml"), entry.clouds_yaml)
        return CloudRef(name=entry.name, clouds_yaml=clouds_yaml, region=entry.region or "")

    def kubeconfig(self, entry: schema.Kubeconfig | None) -> KubeconfigRef | None:
        if entry is None:
            return None
        if not entry.path:
            self.report("RP016", ("kubeconfig",), "needs `path`")
            return None
        return KubeconfigRef(path=self.path(("kubeconfig", "path"), entry.path), context=entry.context or "")

    def ssh(self, entry: schema.Ssh | None) -> SshAccess | None:
        if entry is None:
            return None
        if not entry.user:
            self.report("RP016", ("ssh",), "needs `user`")
            return None
        given = {
            name: value
            for name in ("port", "sudo", "check_host_key", "address", "connect_timeout_s", "jump")
            if (value := getattr(entry, name)) is not None
        }
        return SshAccess(
            user=entry.user,
            key=self.path(("ssh", "key"), entry.key),
            known_hosts=self.path(("ssh", "known_hosts"), entry.known_hosts),
            **given,
        )

    def node_pod(self, entry: schema.NodePod | None, *, beside_ssh: bool) -> NodePodAccess | None:
        if entry is None:
            return None
        if beside_ssh:
            self.report("RP013", ("node_pod",), "stands beside `ssh`; a cluster's nodes are reached one way")
            return None
        if not entry.image:
            self.report("RP016", ("node_pod",), "needs `image`")
            return None
        return NodePodAccess(image=entry.image, pull_secret=entry.pull_secret or "")

    def etcd_snapshot(self, entry: schema.EtcdSnapshot | None) -> EtcdSnapshots:
        entry = entry or schema.EtcdSnapshot()
        return EtcdSnapshots(
            folder=self.path(("etcd_snapshot", "folder"), entry.folder or SNAPSHOT_FOLDER),
            recipients=tuple(entry.recipients or ()),
            max_age_minutes=entry.max_age_minutes or EtcdSnapshots().max_age_minutes,
        )

    def probes(self, entries: list[schema.ProbeEntry]) -> tuple[ProbeTarget, ...]:
        found: list[ProbeTarget] = []
        for i, entry in enumerate(entries):
            if entry.name in (API_PROBES + tuple(probe.name for probe in found)):
                self.report("RP013", ("probes", i, "name"), "is the name of another probe")
            kinds: tuple[Literal["tcp", "http", "counter", "dns"], ...] = ("tcp", "http", "counter", "dns")
            kind = next(k for k in kinds if getattr(entry, k) is not None)
            options = ("reuse", "period_s", "query", "over", "timeout_s")
            given = {name: value for name in options if (value := getattr(entry, name)) is not None}
            ca = self.path(("probes", i, "ca"), entry.ca)
            found.append(
                ProbeTarget(name=entry.name, kind=kind, address=getattr(entry, kind), ca=ca, **given)
            )
        return tuple(found)

    def states(self, entries: list[schema.StateEntry]) -> tuple[StateSource, ...]:
        found: list[StateSource] = []
        seen: set[tuple[str, str]] = set()
        for i, entry in enumerate(entries):
            source = self._state(("state", i), entry)
            if (source.path, source.workspace) in seen:
                self.report("RP015", ("state", i), "names the same state as an entry above it")
            seen.add((source.path, source.workspace))
            found.append(source)
        return tuple(found)

    def _state(self, field: tuple[str | int, ...], entry: schema.StateEntry) -> StateSource:
        workspace, only = entry.workspace or "", tuple(entry.only or ())
        if entry.pull is not None:
            command = entry.pull.command
            if "/" in command:
                command = self.path((*field, "pull", "command"), command)
            folder = self.path((*field, "pull", "folder"), entry.pull.folder)
            return StateSource(kind="pull", path=folder, workspace=workspace, command=command, only=only)
        if entry.folder is not None:
            path = self.path((*field, "folder"), entry.folder)
            return StateSource(kind="folder", path=path, workspace=workspace, only=only)
        if entry.show_json is not None:
            path = self.path((*field, "show_json"), entry.show_json)
            return StateSource(kind="show-json", path=path, workspace=workspace, only=only)
        path = self.path((*field, "file"), entry.file)
        return StateSource(kind="file", path=path, workspace=workspace, only=only)
