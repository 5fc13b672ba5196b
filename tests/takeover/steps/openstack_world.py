"""The golden plan's OpenStack project, machines, Terraform state and management cluster, in memory.

Everything that writes can be made to die before or after any one of its writes: `World.dies_at`.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, cast

from adopted import FakeClock, golden
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from kubernetes_fake import FakeApi

from replank.domain.errors import Refused, Transient
from replank.domain.verdict import Verdict
from replank.migrations.takeover.steps import openstack_registry
from replank.migrations.takeover.steps.at import At
from replank.plan.model import PlanCheck, Step
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import (
    Access,
    CloudLogin,
    CredentialTrial,
    Document,
    EtcdMember,
    EtcdSnapshot,
    ObjectRef,
    StateNow,
)

T = TypeVar("T")
NOW = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
PKI = "/etc/kubernetes/pki"
STATE = ("tf/terraform.tfstate", "default")


class Died(BaseException):
    """The process is gone. No code may catch it."""


class Writes:
    """Counts writes. `dies_at`: number of a write, and whether it dies `before` or `after` its effect."""

    def __init__(self) -> None:
        self.count = 0
        self.log: list[str] = []
        self.dies_at: tuple[int, str] | None = None

    @contextmanager
    def one(self, what: str) -> Iterator[None]:
        self.count += 1
        self.log.append(what)
        if self.dies_at == (self.count, "before"):
            raise Died(what)
        yield
        if self.dies_at == (self.count, "after"):
            raise Died(what)


class FakeManagement(FakeApi):
    """As `FakeApi`, counting its writes."""

    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self.all_writes = writes
        self.silent = ""

    async def create(self, document: Mapping[str, Any]) -> Document:
        with self.all_writes.one(f"create {document['kind']} {document['metadata']['name']}"):
            return await super().create(document)

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        with self.all_writes.one(f"merge {ref.kind} {ref.name}"):
            return await super().merge(ref, patch, resource_version=resource_version)

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        with self.all_writes.one(f"delete {ref.kind} {ref.name}"):
            return await super().delete(ref, uid=uid, resource_version=resource_version)

    async def works_with(self, kubeconfig: bytes) -> str:
        return self.silent


class FakeCloud:
    """One project. `writes_answer`: what a role that may not write is answered."""

    def __init__(self, plan: TakeoverPlan, writes: Writes) -> None:
        self.writes = writes
        self.writes_answer = 403
        self.servers_by_id: dict[str, Document] = {}
        self.ports_by_id: dict[str, Document] = {}
        self.parts: dict[tuple[str, str], Document] = {}
        self.credentials: dict[str, Document] = {}
        self.cacert = "-----BEGIN CERTIFICATE-----\ncloud\n-----END CERTIFICATE-----\n"
        self._number = 0
        network = networks(plan)[0]
        for machine in plan.machines:
            self.add_server(machine.server_id, machine.server_name)
            for port in machine.ports:
                self.add_port(port.id, port.old, network, machine.server_id)
                self.ports_by_id[port.id] |= {
                    "fixed_ips": [{"ip_address": address, "subnet_id": "s"} for address in port.fixed_ips],
                    "security_groups": list(port.security_groups),
                    "tags": ["legacy"],
                }
        choice = plan.load_balancer
        self.parts["pool", choice.pool_id] = {
            "id": choice.pool_id,
            "name": "",
            "members": [{"id": m} for m in choice.members],
        }

    def add_server(self, server_id: str, name: str, created: float = NOW - 1e6) -> None:
        self.servers_by_id[server_id] = {
            "id": server_id,
            "name": name,
            "status": "ACTIVE",
            "OS-EXT-STS:task_state": None,
            "locked": False,
            "locked_reason": None,
            "created": stamp(created),
        }

    def add_port(
        self, port_id: str, name: str, network: str, server: str = "", created: float = NOW - 1e6
    ) -> None:
        self.ports_by_id[port_id] = {
            "id": port_id,
            "name": name,
            "network_id": network,
            "device_id": server,
            "device_owner": "compute:az1" if server else "",
            "mac_address": "fa:16:3e:00:00:01",
            "fixed_ips": [],
            "security_groups": [],
            "allowed_address_pairs": [],
            "tags": [],
            "created_at": stamp(created),
        }

    async def server(self, server_id: str) -> Document | None:
        return copy.deepcopy(self.servers_by_id.get(server_id))

    async def servers(self) -> tuple[Document, ...]:
        return tuple(copy.deepcopy(list(self.servers_by_id.values())))

    async def port(self, port_id: str) -> Document | None:
        return copy.deepcopy(self.ports_by_id.get(port_id))

    async def ports(self, network_id: str = "") -> tuple[Document, ...]:
        found = [p for p in self.ports_by_id.values() if network_id in ("", p["network_id"])]
        return tuple(copy.deepcopy(found))

    async def rename_server(self, server_id: str, name: str) -> None:
        with self.writes.one(f"rename server {server_id}"):
            self.servers_by_id[server_id]["name"] = name

    async def lock_server(self, server_id: str, reason: str) -> None:
        with self.writes.one(f"lock {server_id}"):
            if not self.servers_by_id[server_id]["locked"]:
                self.servers_by_id[server_id] |= {"locked": True, "locked_reason": reason}

    async def unlock_server(self, server_id: str) -> None:
        with self.writes.one(f"unlock {server_id}"):
            self.servers_by_id[server_id] |= {"locked": False, "locked_reason": None}

    async def set_port(self, port_id: str, *, name: str, tags: Sequence[str]) -> None:
        # Neutron takes them in two calls: a process can die between them.
        with self.writes.one(f"name port {port_id}"):
            self.ports_by_id[port_id]["name"] = name
        with self.writes.one(f"tag port {port_id}"):
            self.ports_by_id[port_id]["tags"] = list(tags)

    async def balancing(self, kind: str, thing_id: str, pool_id: str = "") -> Document | None:
        return copy.deepcopy(self.parts.get((kind, thing_id)))

    async def set_balancing(
        self, kind: str, thing_id: str, values: Mapping[str, Any], pool_id: str = ""
    ) -> None:
        with self.writes.one(f"set {kind} {thing_id}"):
            self.parts[kind, thing_id] |= values

    async def application_credentials(self) -> tuple[Document, ...]:
        return tuple({k: v for k, v in c.items() if k != "secret"} for c in self.credentials.values())

    async def create_application_credential(self, name: str, secret: str, roles: Sequence[str]) -> Document:
        assert name not in {c["name"] for c in self.credentials.values()}
        with self.writes.one(f"create credential {name}"):
            self._number += 1
            made = {"id": f"cred-{self._number}", "name": name, "roles": [{"name": r} for r in roles]}
            self.credentials[made["id"]] = {**made, "secret": secret}
            return dict(made)

    async def delete_application_credential(self, credential_id: str) -> None:
        with self.writes.one(f"delete credential {credential_id}"):
            self.credentials.pop(credential_id, None)

    async def try_credential(
        self, credential_id: str, secret: str, *, server_id: str, port_id: str, write: bool
    ) -> CredentialTrial:
        known = self.credentials.get(credential_id)
        if known is None or known["secret"] != secret:
            return CredentialTrial(reads="401 from Keystone", writes={})
        status = 200 if known["roles"] != [{"name": "reader"}] else self.writes_answer
        there = 404 if server_id not in self.servers_by_id or port_id not in self.ports_by_id else status
        calls = {"PUT /servers": there, "PUT /ports": there} if write else {}
        return CredentialTrial(reads="", writes=calls)

    async def login(self) -> CloudLogin:
        return CloudLogin(
            auth_url="https://keystone.example.org/v3",
            region="RegionOne",
            interface="public",
            cacert=self.cacert,
            project_id="p",
        )

    async def whoami(self) -> str:
        return "ana@fleet"


class FakeHosts:
    """Machines with one PKI, and etcd."""

    def __init__(self, plan: TakeoverPlan, clock: FakeClock, writes: Writes) -> None:
        self.files = dict(pki())
        self.clock, self.writes = clock, writes
        self.names = {m.server_name for m in plan.machines}
        self.unreachable: set[str] = set()
        self.snapshots: list[EtcdSnapshot] = []
        self.members = [
            EtcdMember(id=f"{n:x}", name=m.node, peer_urls=(), learner=False, healthy=True)
            for n, m in enumerate(plan.machines)
            if m.role == "control-plane"
        ]

    async def read_secret(self, machine: str, path: str) -> bytes:
        self._reach(machine)
        if path not in self.files:
            raise Refused("RP940", f"{path} on {machine}", "there is none", "Look.")
        return self.files[path]

    async def etcd_members(self, machine: str) -> tuple[EtcdMember, ...]:
        self._reach(machine)
        return tuple(self.members)

    async def etcd_snapshot(self, machine: str) -> EtcdSnapshot:
        self._reach(machine)
        with self.writes.one("etcd snapshot"):
            taken = EtcdSnapshot(
                path=f"snapshots/{machine}.age", sha256="0" * 64, bytes=1, taken_at=self.clock.now()
            )
            self.snapshots.append(taken)
            return taken

    async def newest_snapshot(self) -> EtcdSnapshot | None:
        return self.snapshots[-1] if self.snapshots else None

    def _reach(self, machine: str) -> None:
        assert machine in self.names
        if machine in self.unreachable:
            raise Transient("RP940", machine, "no route to host", "Wait.")


class FakeStates:
    """One state. `changes_now`: what `terraform plan` says."""

    def __init__(self, plan: TakeoverPlan, writes: Writes) -> None:
        self.writes = writes
        self.resources = {f.address: f.id for f in plan.forget} | {"openstack_lb_pool_v2.api": "pool"}
        (forget,) = [s for stage in plan.stages for s in stage.steps if s.kind == "terraform.forget"]
        self.serial, self.lineage = cast(int, forget.params["serial"]), str(forget.params["lineage"])
        self.changes_now: str | None = ""
        self.locked_by = ""
        self.lockable = True

    async def now(self, source: str, workspace: str) -> StateNow:
        assert (source, workspace) == STATE
        return StateNow(
            serial=self.serial,
            lineage=self.lineage,
            resources=dict(self.resources),
            locked_by=self.locked_by and f"{self.locked_by} since 12:00",
        )

    async def changes(self, source: str, workspace: str) -> str | None:
        return self.changes_now

    async def lock(self, source: str, workspace: str, holder: str) -> str:
        if not self.lockable:
            return ""
        assert self.locked_by in ("", holder)
        with self.writes.one("lock state"):
            self.locked_by = holder
        return "in its lock file"

    async def unlock(self, source: str, workspace: str, holder: str) -> None:
        with self.writes.one("unlock state"):
            if self.locked_by == holder:
                self.locked_by = ""


class World:
    """Everything that steps of these kinds may touch, before anything was written."""

    def __init__(self, plan: TakeoverPlan | None = None) -> None:
        self.plan = plan or golden()
        self.writes = Writes()
        self.clock = FakeClock()
        self.clock.time = NOW
        self.management = FakeManagement(self.writes)
        self.cloud = FakeCloud(self.plan, self.writes)
        self.hosts = FakeHosts(self.plan, self.clock, self.writes)
        self.states = FakeStates(self.plan, self.writes)
        self.codes = openstack_registry.step_codes()
        self.checks = openstack_registry.check_codes()
        self.befores: dict[str, Any] = {}

    @property
    def access(self) -> Access:
        return Access(
            cloud=self.cloud,
            management=self.management,
            workload=self.management,
            hosts=self.hosts,
            states=self.states,
            judge=cast(Any, None),
            clock=self.clock,
        )

    def at(self, step: Step) -> At:
        return At(plan=self.plan, step=step, access=self.access, before=self.befores.get(step.id))

    def step(self, part: str) -> Step:
        found = [s for stage in self.plan.stages for s in stage.steps if part in s.id]
        assert len(found) == 1, [s.id for s in found]
        return found[0]

    def steps(self) -> list[Step]:
        """Those of these kinds, in the plan's order."""
        return [s for stage in self.plan.stages for s in stage.steps if s.kind in self.codes]

    def apply(self, step: Step) -> Any:
        """As the engine does: `found` once, then `apply`."""
        if step.id not in self.befores:
            self.befores[step.id] = run(self.codes[step.kind].found(self.at(step)))
        return run(self.codes[step.kind].apply(self.at(step)))

    def undo(self, step: Step) -> Any:
        return run(self.codes[step.kind].undo(self.at(step)))

    def check(self, step: Step, check: PlanCheck) -> Verdict:
        return run(self.checks[check.kind](self.at(step), check.params))

    def ask(self, kind: str, step: Step | None = None, **params: Any) -> Verdict:
        return run(self.checks[kind](self.at(step or self.steps()[0]), params))

    def outcomes(self, step: Step, when: str) -> dict[str, Verdict]:
        """The plan's own checks of these kinds."""
        return {c.kind: self.check(step, c) for c in getattr(step, when) if c.kind in self.checks}

    def forget(self) -> None:
        """The operator lets Terraform forget."""
        for forget in self.plan.forget:
            self.states.resources.pop(forget.address, None)
        self.states.serial += 1

    def remember(self) -> None:
        """The operator imports everything again."""
        self.states.resources |= {f.address: f.id for f in self.plan.forget}
        self.states.serial += 1

    def until(self, part: str) -> World:
        """Every step before the one whose id contains `part` is done."""
        self.forget()
        for step in self.steps():
            if part in step.id:
                break
            self.apply(step)
        return self

    def picture(self) -> dict[str, Any]:
        """What must be as it was after an undo: all but serials and snapshots."""
        return copy.deepcopy(
            {
                "servers": self.cloud.servers_by_id,
                "ports": self.cloud.ports_by_id,
                "parts": self.cloud.parts,
                "credentials": sorted(c["name"] for c in self.cloud.credentials.values()),
                "objects": sorted(f"{ref.kind}/{ref.name}" for ref in self.management.objects),
                "state": self.states.resources,
                "locked": self.states.locked_by,
            }
        )


def networks(plan: TakeoverPlan) -> tuple[str, ...]:
    """The plan's networks, as its checks name them."""
    for stage in plan.stages:
        for step in stage.steps:
            for check in step.after:
                if check.kind == "openstack.unchanged":
                    return tuple(cast(list[str], check.params["networks"]))
    raise AssertionError("no check looks at the cloud")


def with_params(step: Step, **params: Any) -> Step:
    return replace(step, params={**step.params, **params})


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def pki() -> Mapping[str, bytes]:
    """kubeadm's files of a control plane."""
    files: dict[str, bytes] = {}
    for name in ("ca", "etcd/ca", "front-proxy-ca"):
        certificate, key = authority(name)
        files[f"{PKI}/{name}.crt"], files[f"{PKI}/{name}.key"] = certificate, key
    signer = ec.generate_private_key(ec.SECP256R1())
    files[f"{PKI}/sa.key"] = pem_of(signer)
    files[f"{PKI}/sa.pub"] = signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return files


def authority(name: str, *, days: int = 3650) -> tuple[bytes, bytes]:
    """A CA's certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.fromtimestamp(NOW, UTC) - timedelta(days=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM), pem_of(key)


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
