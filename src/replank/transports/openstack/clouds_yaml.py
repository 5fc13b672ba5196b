"""Finds a cloud's configuration, with openstacksdk's own rules. Imported only inside functions."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as ksa
from openstack.config.loader import SECURE_FILES, OpenStackConfig
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

import openstack
from openstack import exceptions as sdk
from replank.domain.errors import Refused
from replank.inventory.fleet.model import CloudRef
from replank.transports.openstack.origin import Origin
from replank.transports.openstack.session import Patience, RequestCounter, session_class

# These libraries warn through logging and warnings. Both would write on the operator's terminal, where
# replank says itself what could not be seen.
for _name in ("keystoneauth", "openstack", "stevedore"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
warnings.filterwarnings("ignore", module=r"(openstack|keystoneauth1)(\.|$)")


def configured(
    cloud: CloudRef, patience: Patience, counter: RequestCounter
) -> openstack.connection.Connection:
    """A connection that has not made a request yet. Raises `Refused` RP040."""
    path = Path(cloud.clouds_yaml).expanduser() if cloud.clouds_yaml else None
    if path is not None:
        _check_file(cloud, path)
    try:
        # secure.yaml beside a named clouds.yaml counts first, then where the SDK looks. Environment variables
        # (OS_CLIENT_CONFIG_FILE) would override the file that fleet.yaml names, so they count only where it
        # names none. HTTP proxies come from the environment in any case.
        config = OpenStackConfig(
            config_files=[str(path)] if path else None,
            secure_files=[str(path.parent / "secure.yaml"), *SECURE_FILES] if path else None,
            load_envvars=path is None,
            session_constructor=session_class(patience, counter),
            app_name="replank",
        )
        names = sorted(config.get_cloud_names())
        if cloud.name not in names:
            raise refused(cloud, f"it has no cloud of this name; it has: {', '.join(names) or 'none'}")
        chosen: dict[str, Any] = {"region_name": cloud.region} if cloud.region else {}
        region = config.get_one(cloud=cloud.name, **chosen)
        _check_ca(cloud, region.config.get("cacert"))
        return openstack.connection.Connection(config=region)
    except (sdk.SDKException, ksa.ClientException) as error:
        raise refused(cloud, " ".join(str(error).split()).rstrip(".")) from error
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        # The SDK does not check the shape. The error's text is left out: it may hold what the file holds.
        raise refused(cloud, "the settings of this cloud are not of the documented shape") from error


def refused(cloud: CloudRef, why: str) -> Refused:
    """The configuration of a cloud cannot be used."""
    return Origin.of_file(cloud).unusable(why)


def _check_file(cloud: CloudRef, path: Path) -> None:
    """The SDK treats a clouds.yaml that it cannot parse as an empty one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it cannot be read"
        raise refused(cloud, why) from error
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise refused(cloud, f"it is not YAML{line}") from error
    except (YAMLError, ValueError) as error:
        raise refused(cloud, "it is not YAML") from error
    if not isinstance(document, dict) or not isinstance(document.get("clouds"), dict):
        raise refused(cloud, "it has no mapping `clouds`")


def _check_ca(cloud: CloudRef, cacert: object) -> None:
    if isinstance(cacert, str) and cacert and not Path(cacert).expanduser().exists():
        raise refused(cloud, "the file that `cacert` names does not exist")
