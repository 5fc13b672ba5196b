"""Opens one project: authentication, the catalog, the clients of the services. Imported only in functions."""

from __future__ import annotations

from dataclasses import dataclass

from keystoneauth1 import exceptions as ksa
from keystoneauth1.access import AccessInfo
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.session import Session
from openstack.proxy import Proxy
from openstack.utils import maximum_supported_microversion
from requests import RequestException

import openstack
from openstack import exceptions as sdk
from replank.domain.errors import Refused
from replank.inventory.fleet.model import CloudRef
from replank.transports.openstack.clouds_yaml import configured
from replank.transports.openstack.compute import NOVA_MICROVERSION
from replank.transports.openstack.errors import absent, cause_of_discovery, translated
from replank.transports.openstack.origin import Origin
from replank.transports.openstack.session import Patience, RequestCounter

# With these roles Neutron shows the ports of every project.
_SEES_ALL = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class OpenProject:
    """An authenticated look at one project in one region. `roles`: those of the token."""

    cloud: str
    region: str
    project_id: str
    project_name: str
    roles: tuple[str, ...]
    connection: openstack.connection.Connection

    @property
    def port_scope(self) -> dict[str, str]:
        """The filter for ports: others' ports on own networks are wanted, those of a whole cloud are not."""
        return {"project_id": self.project_id} if _SEES_ALL & set(self.roles) else {}

    @property
    def scope(self) -> dict[str, str]:
        """The filter for what only the project's own are wanted of."""
        return {"project_id": self.project_id}

    def service(self, service_type: str) -> Proxy:
        """The client of a service. Makes its discovery requests; call it once a service and keep it.

        Raises `ReplankError` RP043 where the catalog lacks the service, and what discovery raises.
        """
        what = f"OpenStack {self.cloud}: {service_type}"
        endpoint = self.connection.endpoint_for(service_type)
        if endpoint is None:
            raise absent(what, service_type)
        try:
            proxy = getattr(self.connection, service_type.replace("-", "_"))
        except (sdk.NotSupported, sdk.ServiceDiscoveryException):
            # The SDK drops the reason (a 500, a timeout) why it could not read the versions: asking again
            # raises it. Where the answer is a good one, it is only not what was expected.
            self.connection.session.get(endpoint, headers={"Accept": "application/json"})
            raise
        if not isinstance(proxy, Proxy):
            # What the SDK puts in the place of a service that clouds.yaml disables.
            raise absent(what, service_type)
        if service_type == "compute":
            # Found once for all listings; None (a Nova that tells no range) means its oldest, 2.1.
            proxy.default_microversion = maximum_supported_microversion(proxy, NOVA_MICROVERSION)
        return proxy

    def service_if_any(self, service_type: str) -> Proxy | None:
        """As `service`; None where this cloud has no such service.

        The catalog that came with the token is whole, it names the services of all regions and interfaces:
        what is not in it at all is not there. An entry for another region, or without an endpoint, does not
        say so, and neither does a token without a catalog.
        """
        catalog = self.connection.config.get_service_catalog()
        overridden = self.connection.config.get_endpoint(service_type)
        if catalog is None or not catalog.catalog or overridden:
            return self.service(service_type)
        if catalog.get_endpoints_data(service_type=service_type):
            return self.service(service_type)
        return None


def open_project(cloud: CloudRef, patience: Patience, counter: RequestCounter) -> OpenProject:
    """Authenticates with what clouds.yaml says. Raises what `authenticated` raises."""
    return authenticated(Origin.of_file(cloud), configured(cloud, patience, counter))


def authenticated(origin: Origin, connection: openstack.connection.Connection) -> OpenProject:
    """Authenticates.

    Raises `Refused` RP040 or RP932 (the settings, cloud or region), RP041 (the credential), RP048 (TLS), and
    `Transient` RP044 to RP047 (Keystone does not answer as it should).
    """
    what = f"OpenStack {origin.cloud}: authentication"
    auth = connection.session.auth
    if not isinstance(auth, BaseIdentityPlugin):
        raise origin.no_entry("its auth_type is not one of Keystone's")
    try:
        access = _first_access(auth, connection.session)
    except ksa.MissingAuthPlugin as error:
        raise _locked_door(origin, 401) from error
    except (ksa.Unauthorized, ksa.Forbidden, ksa.BadRequest) as error:
        raise origin.no_entry(f"Keystone answered {error.http_status} to the credential") from error
    except (ksa.AuthPluginException, ksa.AuthorizationFailure, ksa.MissingAuthMethods) as error:
        raise origin.no_entry(f"the credential is not complete ({type(error).__name__})") from error
    except (ksa.NotFound, ksa.DiscoveryFailure, ksa.InvalidResponse) as error:
        cause = cause_of_discovery(error)
        if cause is None:
            raise origin.no_entry("no Keystone v3 answers at its auth_url") from error
        if isinstance(cause, ksa.Forbidden):
            raise _locked_door(origin, cause.http_status) from error
        raise translated(cause, what) from error
    except (ksa.ClientException, ksa.RetriableConnectionFailure, sdk.SDKException, RequestException) as error:
        raise translated(error, what) from error
    if not access.project_id:
        raise origin.no_entry("the token is not scoped to a project")
    return OpenProject(
        cloud=origin.cloud,
        region=_region(origin, connection),
        project_id=access.project_id,
        project_name=access.project_name or "",
        roles=tuple(sorted(set(access.role_names or ()))),
        connection=connection,
    )


def _first_access(auth: BaseIdentityPlugin, session: Session) -> AccessInfo:
    """The token, fetched while the session, which nobody else has yet, cannot log in.

    Where the list of Keystone's versions is answered 401, keystoneauth asks for it again with a token
    (discover.py, get_version_data): a session with this very plugin would wait without end for the lock under
    which the plugin is fetching the token (identity/base.py, get_access). Raises what keystoneauth raises,
    MissingAuthPlugin in that case.
    """
    session.auth = None
    try:
        return auth.get_access(session)
    finally:
        session.auth = auth


def _region(origin: Origin, connection: openstack.connection.Connection) -> str:
    """The region that is looked at. Where nobody named one, only a catalog with a single one will do."""
    catalog = connection.config.get_service_catalog()
    entries = catalog.catalog if catalog is not None else []
    regions = sorted(
        {
            str(endpoint.get("region_id") or endpoint.get("region") or "")
            for entry in entries
            for endpoint in entry.get("endpoints", ())
        }
        - {""}
    )
    wanted = str(connection.config.region_name or "")
    listed = ", ".join(regions) or "none"
    if wanted and wanted not in regions:
        raise origin.unusable(f"the catalog has no region {wanted}; it has: {listed}")
    if not wanted and len(regions) > 1:
        raise origin.unusable(f"it names no region, and the catalog has several: {listed}")
    return wanted or (regions[0] if regions else "")


def _locked_door(origin: Origin, status: int) -> Refused:
    """Keystone tells its versions to everybody: something in front of it does not let us through."""
    return origin.no_entry(f"its auth_url answers {status} before any credential is sent")
