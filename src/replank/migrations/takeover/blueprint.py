"""What is worked out of a snapshot before the steps are written: who is adopted, into which objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replank.domain.unknown import is_known
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.adoptees import Adoptee, adoptees
from replank.migrations.takeover.built import Built
from replank.migrations.takeover.control_plane import (
    ControlPlaneInput,
    control_plane,
    control_plane_version_of,
)
from replank.migrations.takeover.endpoint import Endpoint, endpoint_of
from replank.migrations.takeover.files import CarriedFiles, carried_files
from replank.migrations.takeover.groups import Member, leading, worker_groups
from replank.migrations.takeover.names import Names, names_of
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.openstack.credentials import identity_of
from replank.migrations.takeover.openstack.load_balancer import ApiLoadBalancer, api_load_balancer
from replank.migrations.takeover.openstack.machines import Identity, missing_for_spec, region_of
from replank.migrations.takeover.openstack.shape import (
    ServerShape,
    made_of,
    shape_of,
    shared_suffixes,
    template_of,
)
from replank.migrations.takeover.registration import registration_of
from replank.migrations.takeover.seen import Seen, see
from replank.migrations.takeover.settings import TakeoverSettings
from replank.migrations.takeover.workers import WorkersInput, workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """Everything the plan is made of. `control_plane` None: it could not be planned."""

    names: Names
    seen: Seen
    found: tuple[Adoptee, ...]
    endpoint: Endpoint
    load_balancer: ApiLoadBalancer
    identity: Identity
    files: CarriedFiles
    control_plane: Built | None
    workers: tuple[Built, ...]

    @property
    def built(self) -> tuple[Built, ...]:
        """Every machine group that could be planned, the control plane first."""
        return (*((self.control_plane,) if self.control_plane else ()), *self.workers)

    @property
    def control_planes(self) -> tuple[Adoptee, ...]:
        """The adopted control planes."""
        return tuple(a for a in self.found if a.role == "control-plane")


def blueprint(snapshot: Snapshot, settings: TakeoverSettings, notes: Notes) -> Blueprint:
    """All of it; what is missing goes into `notes`."""
    seen = see(snapshot, notes)
    names = names_of(snapshot.cluster, settings.namespace, notes)
    found = adoptees(seen, settings, notes)
    control_planes = tuple(a for a in found if a.role == "control-plane")
    endpoint = endpoint_of(seen, notes)
    balancer = api_load_balancer(seen.cloud, control_planes, endpoint, settings, snapshot.cluster, notes)
    identity = identity_of(names, settings.credentials, region_of(found))
    files = carried_files(control_planes, notes)
    kubelet = _kubelet_config(snapshot, notes)
    return Blueprint(
        names=names,
        seen=seen,
        found=found,
        endpoint=endpoint,
        load_balancer=balancer,
        identity=identity,
        files=files,
        control_plane=_control_plane(names, seen, control_planes, identity, files, kubelet, settings, notes),
        workers=_workers(names, seen, found, identity, kubelet, settings, notes),
    )


def _kubelet_config(snapshot: Snapshot, notes: Notes) -> Mapping[str, JSON] | None:
    facts = snapshot.kubernetes
    if not is_known(facts):
        return None
    return notes.wanted(facts.kubelet_config, "ConfigMap kube-system/kubelet-config", None)


def _members(
    found: Sequence[Adoptee], seen: Seen, kubelet: Mapping[str, JSON] | None, suffixes: Sequence[str] = ()
) -> tuple[Member, ...]:
    return tuple(
        Member(
            adoptee=adoptee,
            shape=shape_of(adoptee, seen.cloud, suffixes),
            registration=registration_of(adoptee, kubelet),
        )
        for adoptee in found
    )


def _template(name: str, members: Sequence[Member], shape: ServerShape, notes: Notes) -> ServerShape:
    for missing in missing_for_spec(shape):
        notes.gap(f"{missing} of {name}", f"none was seen on {', '.join(m.adoptee.name for m in members)}")
    return shape


def _control_plane(
    names: Names,
    seen: Seen,
    control_planes: Sequence[Adoptee],
    identity: Identity,
    files: CarriedFiles,
    kubelet: Mapping[str, JSON] | None,
    settings: TakeoverSettings,
    notes: Notes,
) -> Built | None:
    if not control_planes:
        notes.gap("control plane", "no control plane can be adopted")
    if not control_planes or seen.config is None:
        return None
    _hosts_seen(control_planes, notes)
    members = _members(control_planes, seen, kubelet, shared_suffixes(control_planes))
    shape = made_of(
        template_of([m.shape for m in members], leading(members)), settings.new_control_planes, seen.cloud
    )
    return control_plane(
        ControlPlaneInput(
            names=names,
            members=members,
            template=_template(names.control_plane, members, shape, notes),
            identity=identity,
            files=files,
            version=control_plane_version_of(control_planes, seen.version),
            targets=settings.targets,
        ),
        seen,
        seen.config,
        notes,
    )


def _hosts_seen(control_planes: Sequence[Adoptee], notes: Notes) -> None:
    """What a control plane really runs is known only from its host."""
    for adoptee in control_planes:
        subject = f"control plane {adoptee.name}"
        if adoptee.host is None:
            notes.gap(subject, "nobody looked at it over SSH")
            continue
        notes.needed(adoptee.host.static_pods, f"static pods of {adoptee.name}", ())
        notes.needed(adoptee.host.kubelet, f"kubelet of {adoptee.name}", None)


def _workers(
    names: Names,
    seen: Seen,
    found: Sequence[Adoptee],
    identity: Identity,
    kubelet: Mapping[str, JSON] | None,
    settings: TakeoverSettings,
    notes: Notes,
) -> tuple[Built, ...]:
    members = _members([a for a in found if a.role == "worker"], seen, kubelet)
    built = []
    for group in worker_groups(
        names.cluster, members, one_image=bool(settings.new_machines.image), reserved=names.control_plane
    ):
        suffixes = shared_suffixes(group.adoptees)
        if suffixes:
            group = type(group)(
                name=group.name, members=_members(group.adoptees, seen, kubelet, suffixes), why=group.why
            )
        shape = made_of(
            template_of([m.shape for m in group.members], leading(group.members)),
            settings.new_machines,
            seen.cloud,
        )
        template = _template(group.name, group.members, shape, notes)
        built.append(
            workers(
                WorkersInput(
                    names=names, group=group, template=template, identity=identity, targets=settings.targets
                ),
                seen,
                notes,
            )
        )
    return tuple(built)
