"""Certificates and keys: without the CAs' keys Cluster API makes new ones, or cannot make anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import CertificateFile
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.etcd import is_external
from replank.migrations.takeover.checks.look import kubernetes, seen_hosts
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen

CA_KEYS = ("ca.key", "front-proxy-ca.key", "sa.key")
CA_CERTIFICATES = ("ca.crt", "front-proxy-ca.crt")
ETCD_CA = "etcd/ca"
CA_LEAST_DAYS = 365
"""kubeadm's certificates live a year (constants.CertificateValidityPeriod), and no longer than their CA."""


def _is(path: str, name: str) -> bool:
    """True if `path` is the PKI file `name`; the cluster's CA is not taken for etcd's."""
    return path.endswith(f"/{name}") and (name.startswith("etcd/") or not path.endswith(f"/etcd/{name}"))


def _day(when: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(when)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def expires_within(when: str, settings: AuditSettings, days: int) -> bool:
    """True if `when` (RFC 3339) is less than `days` after now, or cannot be read."""
    found = _day(when)
    return found is None or found < settings.now + timedelta(days=days)


@rule(
    "RP210",
    Severity.BLOCKER,
    consequence="A KubeadmControlPlane without these keys makes new ones, front-proxy included: the "
    "cluster stops trusting itself. With an external CA no control plane can be made at all.",
    remedy="Bring the keys onto the control planes, or keep the control plane out of Cluster API.",
)
def ca_key_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A key that the takeover needs is missing; a risk only where another control plane has it."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.keys)
    for machine, fact in blind:
        yield unseen(f"keys of {machine.name}", fact)
    if not found:
        return
    wanted = CA_KEYS if is_external(snapshot) else (*CA_KEYS, f"{ETCD_CA}.key")
    for name in wanted:
        holders = [m.name for m, keys in found if any(_is(key.path, name) for key in keys)]
        for machine, _keys in found:
            if machine.name not in holders:
                lines = [f"{name} is not on {machine.name}"]
                lines.append(f"it is on {', '.join(holders)}" if holders else "no control plane has it")
                severity = Severity.RISK if holders else None
                yield seen(f"{name} of {machine.name}", *lines, severity=severity)


@rule(
    "RP211",
    Severity.BLOCKER,
    consequence="The takeover writes one CA into the management cluster: machines that trust another are "
    "cut off.",
    remedy="Make the CA files of all control planes equal before the takeover.",
)
def ca_certificates_differ(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A CA certificate that is missing on a control plane, or is another one there."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.certificates)
    for machine, fact in blind:
        yield unseen(f"certificates of {machine.name}", fact)
    if not found:
        return
    wanted = CA_CERTIFICATES if is_external(snapshot) else (*CA_CERTIFICATES, f"{ETCD_CA}.crt")
    for name in wanted:
        prints = {m.name: _fingerprints(certificates, name) for m, certificates in found}
        lines = [
            f"{machine}: sha256 {', '.join(hashes)}" if hashes else f"{machine}: missing"
            for machine, hashes in prints.items()
        ]
        if len(set(prints.values())) > 1 or not all(prints.values()):
            yield seen(name, *some(lines))


def _fingerprints(certificates: tuple[CertificateFile, ...], name: str) -> tuple[str, ...]:
    return tuple(sorted({c.sha256 for c in certificates if _is(c.path, name)}))


@rule(
    "RP212",
    Severity.RISK,
    consequence="The API or etcd stops at expiry, and a KubeadmControlPlane with rollout.before replaces "
    "the machines at once.",
    remedy="Renew them (`kubeadm certs renew all`, restart the static pods) before the takeover.",
)
def certificate_expires_soon(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A certificate other than a CA that expires within `certificate_days`, or has."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.certificates)
    for machine, fact in blind:
        yield unseen(f"certificates of {machine.name}", fact)
    for machine, certificates in found:
        lines = [
            f"{c.path} expires {c.not_after[:10]}"
            for c in certificates
            if not c.is_ca and expires_within(c.not_after, settings, settings.certificate_days)
        ]
        if lines:
            yield seen(f"certificates of {machine.name}", *some(lines))


@rule(
    "RP213",
    Severity.RISK,
    consequence="A CA signs nothing beyond its own end: certificates of new machines live shorter and "
    "shorter, and at its end everything stops. Cluster API cannot rotate a CA.",
    remedy="Rotate the CA while the cluster is still in your own hands, before the takeover.",
)
def ca_expires_soon(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A CA that lives less than a year more. A blocker once it has expired."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.certificates)
    for machine, fact in blind:
        yield unseen(f"CAs of {machine.name}", fact)
    days = max(CA_LEAST_DAYS, settings.certificate_days)
    for machine, certificates in found:
        ending = [c for c in certificates if c.is_ca and expires_within(c.not_after, settings, days)]
        if ending:
            expired = any(expires_within(c.not_after, settings, 0) for c in ending)
            severity = Severity.BLOCKER if expired else None
            lines = (f"{c.path} expires {c.not_after[:10]}" for c in ending)
            yield seen(f"CAs of {machine.name}", *some(lines), severity=severity)


@rule(
    "RP214",
    Severity.NOTE,
    consequence="A kubeconfig with only a token, copied into the management cluster, makes the "
    "controllers fail when they renew it.",
    remedy="Nothing to do: the plan makes a kubeconfig with a client certificate of its own, signed by "
    "the cluster's CA.",
)
def kubeconfig_has_no_certificate(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The kubeconfig that survey used has no client certificate."""
    config = kubernetes(snapshot, lambda facts: facts.kubeconfig)
    if config.auth != "client-certificate":
        yield seen(f"kubeconfig context {config.context}", f"authentication by {config.auth}")


@rule(
    "RP215",
    Severity.NOTE,
    consequence="Copied as it is into a Secret that KCP rotates, it makes the controller panic at "
    "renewal: it looks for a cluster of the Cluster's name.",
    remedy="Nothing to do: the plan makes a kubeconfig of its own. Do not copy admin.conf by hand.",
)
def kubeconfig_names_another_cluster(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The kubeconfig calls the cluster otherwise than the Cluster object will be called."""
    config = kubernetes(snapshot, lambda facts: facts.kubeconfig)
    if config.cluster_name != snapshot.cluster:
        evidence = f"it calls the cluster {config.cluster_name!r}, the Cluster will be {snapshot.cluster!r}"
        yield seen(f"kubeconfig context {config.context}", evidence)


@rule(
    "RP216",
    Severity.RISK,
    consequence="replank loses its access to the cluster, perhaps in the middle of the takeover.",
    remedy="Use a kubeconfig whose certificate lives longer (`kubeadm kubeconfig user` or `kubeadm certs "
    "renew`).",
)
def kubeconfig_expires_soon(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """The client certificate of the kubeconfig expires within `certificate_days`, or has."""
    config = kubernetes(snapshot, lambda facts: facts.kubeconfig)
    when = config.client_cert_not_after
    subject = f"kubeconfig context {config.context}"
    if config.auth == "client-certificate" and not when:
        yield unseen(subject, Unknown("the end of the kubeconfig's client certificate was not seen"))
    elif when and expires_within(when, settings, settings.certificate_days):
        yield seen(subject, f"its client certificate expires {when[:10]}")


@rule(
    "RP217",
    Severity.RISK,
    consequence="Whoever answers at this address gets the operator's credentials; what the survey saw may "
    "not be the cluster.",
    remedy="Put the cluster's CA into the kubeconfig and take insecure-skip-tls-verify out.",
)
def kubeconfig_is_insecure(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The kubeconfig does not check the server's certificate."""
    config = kubernetes(snapshot, lambda facts: facts.kubeconfig)
    if config.insecure:
        yield seen(f"kubeconfig context {config.context}", "insecure-skip-tls-verify is set")
