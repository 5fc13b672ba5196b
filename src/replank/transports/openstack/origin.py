"""Where a cloud's settings stand, for messages: a file of the operator's, or a Secret of Cluster API's."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.errors import Refused
from replank.inventory.fleet.model import CloudRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`cloud`: its name. `where`: path of the file, or the Secret. `what`: what cannot be used, with its
    `code` and what to do. `login`: what to do where Keystone does not take the credential."""

    cloud: str
    where: str
    code: str
    what: str
    correct: str
    login: str

    @classmethod
    def of_file(cls, cloud: CloudRef) -> Origin:
        """A clouds.yaml that fleet.yaml names, or that openstacksdk finds."""
        return cls(
            cloud=cloud.name,
            where=cloud.clouds_yaml,
            code="RP040",
            what=f"OpenStack {cloud.name}: clouds.yaml",
            correct="Correct `cloud` in fleet.yaml, or the file; `openstack --os-cloud NAME token issue` "
            "tries it.",
            login="Correct the credential of this cloud in clouds.yaml or secure.yaml; `openstack --os-cloud "
            f"{cloud.name} token issue` tries it.",
        )

    def unusable(self, why: str) -> Refused:
        """The settings cannot be used."""
        return Refused(self.code, self.what, why, self.correct, where=self.where)

    def no_entry(self, why: str) -> Refused:
        """Keystone gives no token for them."""
        what = f"OpenStack {self.cloud}: authentication"
        return Refused("RP041", what, why, self.login, where=self.where)
