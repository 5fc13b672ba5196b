"""Translates what openstacksdk, keystoneauth and requests raise. Imported only inside functions.

The texts name the service and the listing, never a URL: URLs hold ports and project IDs, and two looks at one
world must give one text.
"""

from __future__ import annotations

from typing import Final

from keystoneauth1 import exceptions as ksa
from requests import RequestException

from openstack import exceptions as sdk
from replank.domain.errors import Refused, ReplankError, Transient
from replank.transports.openstack.documents import Unreadable
from replank.transports.openstack.session import retry_after_of, timed_out

# What a listing may raise. KeyError, TypeError, ValueError and AttributeError come from documents that are
# not of the documented shape; nothing else is caught.
LISTING_ERRORS: Final = (
    sdk.SDKException,
    ksa.ClientException,
    ksa.RetriableConnectionFailure,
    RequestException,
    Unreadable,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
)

_RIGHTS = "Give the survey's user the reader role for this service (`replank permissions` names the roles)."
_LATER = "Survey again later."


def translated(error: BaseException, what: str, *, later: str = _LATER) -> ReplankError:
    """The operator's error for `error`. `what`: the listing, as `OpenStack prod: ports`. `later`: what to do
    where another look may go well."""
    status = _status(error)
    if status is not None:
        return _of_status(error, what, status, later)
    if isinstance(error, ksa.SSLError) or "SSLError" in type(error).__name__:
        return Refused(
            "RP048",
            what,
            "the certificate of the service is not trusted, or TLS failed",
            "Set `cacert` for this cloud in clouds.yaml to the file of the CA that signed it.",
        )
    if timed_out(error):
        todo = "See whether the service is up and reachable from here."
        return Transient("RP046", what, "no answer came in time", todo)
    if isinstance(error, ksa.EndpointNotFound | sdk.EndpointNotFound):
        return absent(what, "service")
    if isinstance(error, ksa.ConnectionError | ksa.RetriableConnectionFailure | RequestException):
        todo = "See whether the service is up and reachable from here, and whether a proxy stands between."
        return Transient("RP047", what, "the connection failed or was cut", todo)
    if isinstance(error, ksa.DiscoveryFailure | sdk.NotSupported | sdk.ServiceDiscoveryException):
        todo = "See what answers at the service's endpoint: a proxy, a login page, or an unknown version."
        return Transient("RP049", what, "no version of the service that openstacksdk knows was found", todo)
    if isinstance(error, ksa.ClientException | sdk.SDKException):
        return Transient("RP045", what, f"openstacksdk gave up ({type(error).__name__})", later)
    return Transient(
        "RP049",
        what,
        f"the answer is not what this API documents ({_shape_of(error)})",
        "See what answers at this address: a proxy, a login page, or a service of another version.",
    )


def absent(what: str, service: str) -> ReplankError:
    """The catalog has no endpoint for a service."""
    return Refused(
        "RP043",
        what,
        f"the catalog has no {service} endpoint",
        "If this cloud has the service, its endpoint must stand in the catalog for this region.",
    )


def cause_of_discovery(error: BaseException) -> BaseException | None:
    """What made a discovery fail, if it was more than that nothing of the kind is there (404, no JSON).

    keystoneauth raises DiscoveryFailure for a Keystone that is down as for a wrong auth_url, and keeps the
    difference in the exception's context only (identity/generic/base.py, _do_create_plugin).
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ksa.HttpError) and seen.http_status != 404:
            return seen
        if isinstance(seen, ksa.ConnectionError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _of_status(error: BaseException, what: str, status: int, later: str) -> ReplankError:
    if status in (401, 403):
        why = f"the service answered {status}: this credential may not do that"
        return Refused("RP042", what, why, _RIGHTS)
    if status == 404:
        why = "the service answered 404: it does not have this collection"
        return Refused("RP043", what, why, "Nothing, if this cloud runs the service without this extension.")
    if status in (429, 503):
        response = getattr(error, "response", None)
        wait = retry_after_of(response) if response is not None else None
        why = f"the service answered {status}: it is busy or restarting"
        return Transient("RP044", what, why, later, retry_after_s=wait)
    return Transient("RP045", what, f"the service answered {status}", later)


def _status(error: BaseException) -> int | None:
    if isinstance(error, ksa.HttpError):
        return int(error.http_status)
    if isinstance(error, sdk.HttpException) and error.status_code is not None:
        return int(error.status_code)
    return None


def _shape_of(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"no {error.args[0]!r}" if error.args else "a key is missing"
    if isinstance(error, Unreadable):
        return str(error)
    return type(error).__name__
