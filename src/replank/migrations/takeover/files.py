"""Files that flags of the control plane point at: they travel by Secret, never inline.

Their content is in no snapshot and in no plan. At apply they are read from a control plane into one Secret,
and KubeadmControlPlane and every KubeadmConfig name it by the same `contentFrom` (a difference would be a
rollout: KCP compares `files`, cluster-api v1.14.0 controlplane/kubeadm/pkg/filters.go).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import FileFact, ReferencedFile
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.notes import Notes
from replank.plan.slug import slug
from replank.plan.takeover import GroupDifference

KNOWN_EVERYWHERE = frozenset({"root", "bin", "daemon"})
"""Users and groups that every image has (LSB 5.0, "User & Group Names")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedFile:
    """One file that new control planes get. `machine`: the Machine it is read from. `key`: in the Secret."""

    path: str
    owner: str
    mode: str
    key: str
    machine: str
    flag: str
    purpose: str
    secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedFiles:
    """All files, sorted by path, and how hosts differ in them."""

    files: tuple[CarriedFile, ...] = ()
    differences: tuple[GroupDifference, ...] = ()


def carried_files(control_planes: Sequence[Adoptee], notes: Notes) -> CarriedFiles:
    """The files of all control planes; each is read from the first machine (by name) that has it."""
    found: dict[str, list[tuple[Adoptee, ReferencedFile, FileFact]]] = {}
    missing: list[tuple[Adoptee, ReferencedFile]] = []
    for adoptee in control_planes:
        referenced = adoptee.host.referenced_files if adoptee.host else ()
        if isinstance(referenced, Unknown):
            notes.gap(f"files that flags point at, on {adoptee.server.name}", referenced.unknown)
            continue
        for reference in sorted(referenced, key=lambda r: (r.path, r.component, r.flag)):
            if reference.file is None:
                missing.append((adoptee, reference))
            else:
                found.setdefault(reference.path, []).append((adoptee, reference, reference.file))
    keys = _keys(sorted(found))
    carried = []
    differences: list[GroupDifference] = []
    for path in sorted(found):
        adoptee, reference, file = found[path][0]
        carried.append(
            CarriedFile(
                path=path,
                owner=_owner(path, file, notes),
                mode=file.mode,
                key=keys[path],
                machine=adoptee.name,
                flag=f"{reference.component} --{reference.flag}",
                purpose=reference.purpose,
                secret=any(r.secret for _, r, _ in found[path]),
            )
        )
        differences.extend(_unlike(path, found[path]))
    differences.extend(
        _difference(adoptee, reference.path, "missing", "present")
        for adoptee, reference in missing
        if reference.path in found
    )
    for path in sorted({r.path for _, r in missing} - set(found)):
        notes.gap(
            f"file {path}", "a flag of the control plane points at it, and no host has it", unknown=False
        )
    return CarriedFiles(files=tuple(carried), differences=tuple(differences))


def _owner(path: str, file: FileFact, notes: Notes) -> str:
    """`user:group`; root where an image may lack them: cloud-init stops at a file whose owner it does not
    know (cloudinit/config/cc_write_files.py, chownbyname), and nothing after it runs."""
    if file.owner in KNOWN_EVERYWHERE and file.group in KNOWN_EVERYWHERE:
        return f"{file.owner}:{file.group}"
    notes.lost(
        f"owner of file {path}",
        f"it belongs to {file.owner}:{file.group}, which an image need not have; new control planes get it "
        "as root:root",
    )
    return "root:root"


def file_entries(files: Sequence[CarriedFile], secret: str) -> list[JSON]:
    """`files` of a KubeadmConfigSpec."""
    return [
        {
            "path": file.path,
            "owner": file.owner,
            "permissions": file.mode,
            "contentFrom": {"secret": {"name": secret, "key": file.key}},
        }
        for file in files
    ]


def _keys(paths: Sequence[str]) -> dict[str, str]:
    """A Secret's key for each path: its base name where that is unique, else the whole path."""
    names = [re.sub(r"[^-._A-Za-z0-9]", "-", path.rpartition("/")[2]) for path in paths]
    return {
        path: name if names.count(name) == 1 and name.strip(".") else slug(path)
        for path, name in zip(paths, names, strict=True)
    }


def _unlike(path: str, seen: Sequence[tuple[Adoptee, ReferencedFile, FileFact]]) -> list[GroupDifference]:
    first = seen[0][2]
    unlike = []
    for adoptee, _, file in seen[1:]:
        if file.content != first.content:
            unlike.append(_difference(adoptee, path, "other content", f"as on {seen[0][0].name}"))
        if (file.mode, file.owner, file.group) != (first.mode, first.owner, first.group):
            has = f"{file.owner}:{file.group} {file.mode}"
            unlike.append(_difference(adoptee, path, has, f"{first.owner}:{first.group} {first.mode}"))
    return unlike


def _difference(adoptee: Adoptee, path: str, has: str, template: str) -> GroupDifference:
    return GroupDifference(
        field=f"file {path}",
        machine=adoptee.name,
        has=has,
        template=template,
        at_next_rollout="the new control plane gets the template's file",
    )
