"""Who is let in by a workload cluster's API server."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_ADMINS = {"system:masters", "kubeadm:cluster-admins"}


@dataclass(frozen=True, slots=True)
class Door:
    """`ca_cert`: PEM of the cluster's CA."""

    ca_cert: str

    def at(self, endpoint: str, now: Callable[[], float]) -> Callable[[bytes], str]:
        """Answers "" for a kubeconfig that leads to `endpoint` and lets an administrator in, else why not."""

        def lets_in(kubeconfig: bytes) -> str:
            try:
                document = YAML(typ="safe", pure=False).load(kubeconfig.decode())
                context = _named(document["contexts"], document["current-context"])["context"]
                cluster = _named(document["clusters"], context["cluster"])["cluster"]
                user = _named(document["users"], context["user"])["user"]
                authority = base64.b64decode(cluster["certificate-authority-data"])
                certificate = x509.load_pem_x509_certificate(
                    base64.b64decode(user["client-certificate-data"])
                )
            except (YAMLError, ValueError, KeyError, TypeError, StopIteration) as error:
                return f"no usable kubeconfig: {type(error).__name__}"
            if cluster["server"] != f"https://{endpoint}":
                return f"no route to {cluster['server']}"
            if authority.decode().strip() != self.ca_cert.strip():
                return "x509: certificate signed by unknown authority"
            return self._certificate(certificate, now())

        return lets_in

    def _certificate(self, certificate: x509.Certificate, now: float) -> str:
        try:
            certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(self.ca_cert.encode()))
        except (ValueError, TypeError, InvalidSignature):
            return "401 Unauthorized"
        moment = datetime.fromtimestamp(now, UTC)
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            return "401 Unauthorized: the certificate is not valid now"
        groups = {a.value for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}
        return "" if groups & _ADMINS else "403 Forbidden"


def _named(entries: Any, name: str) -> Any:
    return next(entry for entry in entries if entry["name"] == name)
