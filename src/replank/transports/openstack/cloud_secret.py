"""The Secret that a CAPO identityRef names: the settings of one cloud, in memory only.

What counts is what CAPO itself takes from it (cluster-api-provider-openstack v0.14.7, pkg/scope/provider.go,
NewProviderClient): auth, auth_type, region_name, endpoint_type and verify, with `cacert` of the Secret alone.
So a clouds.yaml that somebody else wrote can name no file of this machine and no vendor's address.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from replank.transports.openstack.origin import Origin

_TEXTS: Final = ("auth_type", "region_name", "endpoint_type", "interface")
_TAKEN: Final = ("auth", "verify", *_TEXTS)
_APPLICATION_CREDENTIAL: Final = ("application_credential_id", "application_credential_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSecret:
    """`where`: for messages, as `Secret shop/blue-cloud-config`. `cloud`, `region`: identityRef.cloudName and
    identityRef.region, "" = the cloud's own. `clouds_yaml`, `cacert`: content of the Secret's keys, decoded;
    `cacert` empty = none.
    """

    where: str
    cloud: str
    region: str = ""
    clouds_yaml: bytes = field(repr=False)
    cacert: bytes = field(default=b"", repr=False)

    @property
    def origin(self) -> Origin:
        """For messages."""
        return Origin(
            cloud=self.cloud,
            where=self.where,
            code="RP932",
            what=f"OpenStack {self.cloud}: the Secret that identityRef names",
            correct="Correct the Secret, or identityRef of the OpenStackCluster; CAPO reads the same.",
            login="Put a credential into the Secret that Keystone takes; CAPO needs it just as well.",
        )

    def settings(self) -> dict[str, Any]:
        """The cloud's entry, as openstacksdk takes it; the region that identityRef names wins.

        Raises `Refused` RP932. No message holds anything of the file but names of clouds.
        """
        entry = self._clouds().get(self.cloud)
        if not isinstance(entry, dict):
            names = ", ".join(sorted(map(str, self._clouds()))) or "none"
            raise self.origin.unusable(f"its clouds.yaml has no cloud of this name; it has: {names}")
        found = {key: entry[key] for key in _TAKEN if entry.get(key) is not None}
        if wrong := [key for key in _TEXTS if not isinstance(found.get(key, ""), str)]:
            raise self.origin.unusable(f"its clouds.yaml has no text as {', '.join(wrong)} of this cloud")
        auth = found.get("auth")
        if not isinstance(auth, dict):
            raise self.origin.unusable("its clouds.yaml has no `auth` for this cloud")
        if "auth_type" not in found and any(auth.get(key) for key in _APPLICATION_CREDENTIAL):
            # gophercloud sees by itself what it is; openstacksdk would ask for a password.
            found["auth_type"] = "v3applicationcredential"
        return found | ({"region_name": self.region} if self.region else {})

    def authority(self) -> str:
        """PEM text of the CA, "" = the system's. Raises `Refused` RP932."""
        try:
            pem = self.cacert.decode("ascii")
            if pem.strip():
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
        except (UnicodeDecodeError, ssl.SSLError):
            # Not chained, as the decoder keeps the bytes: something else may have been pasted there.
            raise self.origin.unusable("its cacert is no certificate in PEM form") from None
        return pem if pem.strip() else ""

    def _clouds(self) -> dict[Any, Any]:
        try:
            document = YAML(typ="safe", pure=True).load(self.clouds_yaml.decode("utf-8"))
        except (YAMLError, ValueError):
            # Not chained: a YAML error quotes the line that it does not like.
            raise self.origin.unusable("its clouds.yaml is not YAML") from None
        clouds = document.get("clouds") if isinstance(document, dict) else None
        if not isinstance(clouds, dict):
            raise self.origin.unusable("its clouds.yaml has no mapping `clouds`")
        return clouds
