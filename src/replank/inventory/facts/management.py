"""The management cluster that is to own the fleet."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.unknown import Fact, Unknown

_NOT_LOOKED_FOR = Unknown("nobody looked for the label that `clusterctl move` needs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An installed Cluster API provider. `name`: cluster-api, kubeadm-bootstrap, openstack, ..."""

    name: str
    version: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedKind:
    """A kind that the management cluster serves: `group/kind`, versions newest first."""

    group: str
    kind: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementFacts:
    """What the management cluster runs, and what already stands where the takeover wants to write.

    `existing`: `Kind/name` of objects in the target namespace that carry this cluster's name.
    `ready_for_move`: providers' CRDs carry the label that `clusterctl move` needs.
    """

    version: Fact[str]
    providers: Fact[tuple[Provider, ...]]
    served: Fact[tuple[ServedKind, ...]]
    existing: Fact[tuple[str, ...]]
    ready_for_move: Fact[bool] = _NOT_LOOKED_FOR
