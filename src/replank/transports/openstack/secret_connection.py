"""Opens a project with the Secret that CAPO uses. Imported only inside functions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import NamedTemporaryFile

from keystoneauth1 import exceptions as ksa
from openstack.config.loader import OpenStackConfig

import openstack
from openstack import exceptions as sdk
from replank.transports.openstack.cloud_secret import CloudSecret
from replank.transports.openstack.connect import OpenProject, authenticated
from replank.transports.openstack.session import Patience, RequestCounter, session_class


def open_secret(
    secret: CloudSecret, patience: Patience, counter: RequestCounter, held: ExitStack
) -> OpenProject:
    """Authenticates. Neither environment nor files are looked at, and no secret is written anywhere; a CA's
    certificate, which is public, lies in a private file until `held` is closed: requests takes paths only.

    Raises `Refused` RP932 (the Secret), and what `authenticated` raises.
    """
    settings = secret.settings()
    if authority := secret.authority():
        try:
            settings["cacert"] = held.enter_context(_file(authority))
        except OSError as error:
            why = "its cacert finds no place in the temporary folder"
            raise secret.origin.unusable(why) from error
    try:
        config = OpenStackConfig(
            load_yaml_config=False,
            load_envvars=False,
            session_constructor=session_class(patience, counter),
            app_name="replank",
        )
        config.cloud_config = {"clouds": {secret.cloud: settings}}
        connection = openstack.connection.Connection(config=config.get_one(cloud=secret.cloud))
    except (ksa.MissingRequiredOptions, ksa.NoMatchingPlugin) as error:
        # Names of options and plugins, no values.
        raise secret.origin.unusable(" ".join(str(error).split()).rstrip(".")) from error
    except (sdk.SDKException, ksa.ClientException, AttributeError, TypeError, ValueError, KeyError) as error:
        why = f"the settings of this cloud are not of the documented shape ({type(error).__name__})"
        raise secret.origin.unusable(why) from None
    return authenticated(secret.origin, connection)


@contextmanager
def _file(authority: str) -> Iterator[str]:
    """A path; the file has mode 0600 (tempfile)."""
    with NamedTemporaryFile("w", prefix="replank-ca-", suffix=".pem") as file:
        file.write(authority)
        file.flush()
        yield file.name
