"""Who we are in a project, and how another credential of it would log in. Imported only inside functions."""

from __future__ import annotations

from pathlib import Path

from keystoneauth1.access import AccessInfo
from keystoneauth1.access.access import AccessInfoV3
from keystoneauth1.identity.base import BaseIdentityPlugin

from replank.inventory.fleet.model import CloudRef
from replank.ports.access import CloudLogin
from replank.transports.openstack.clouds_yaml import refused
from replank.transports.openstack.connect import OpenProject


def plugin_of(project: OpenProject) -> BaseIdentityPlugin:
    """The Keystone plugin that the project was opened with (`open_project` takes no other)."""
    auth = project.connection.session.auth
    if not isinstance(auth, BaseIdentityPlugin):
        raise TypeError("the session has no Keystone plugin")
    return auth


def token_of(project: OpenProject) -> AccessInfo:
    """The token in use, a new one if it ran out. Raises what keystoneauth raises."""
    return plugin_of(project).get_access(project.connection.session)


def by_application_credential(project: OpenProject) -> bool:
    """Whether we are logged in by one ourselves."""
    token = token_of(project)
    return isinstance(token, AccessInfoV3) and bool(token.application_credential_id)


def identity_of(project: OpenProject) -> str:
    """`user@project`, by name."""
    token = token_of(project)
    return f"{token.username or token.user_id}@{token.project_name or token.project_id}"


def login_of(project: OpenProject, cloud: CloudRef) -> CloudLogin:
    """Raises `Refused` RP040 where the CA's file cannot be read."""
    config = project.connection.config
    verify, _ = config.get_requests_verify_args()
    cacert = ""
    if isinstance(verify, str):
        try:
            cacert = Path(verify).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise refused(cloud, "the file that `cacert` names cannot be read") from error
    interface = config.get_interface() or "public"
    return CloudLogin(
        auth_url=str(plugin_of(project).auth_url),
        region=project.region,
        interface=interface if isinstance(interface, str) else interface[0],
        cacert=cacert,
        project_id=project.project_id,
        verify=verify is not False,
    )
