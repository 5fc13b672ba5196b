"""Clients of the cloud, and the clouds.yaml that people and tests use."""

from __future__ import annotations

import yaml
from openstack.connection import Connection

import openstack
from proving_ground.cloud import ports
from proving_ground.cloud.configuration import REGION
from proving_ground.cloud.passwords import write_private
from proving_ground.settings import Folders

PROJECT = "demo"
CLOUDS = {
    "ground": ("demo", PROJECT),
    "ground-reader": ("reader", PROJECT),
    "ground-admin": ("admin", "admin"),
}
"""Cloud -> user, project."""


def write_clouds_yaml(folders: Folders, passwords: dict[str, str]) -> None:
    """Clouds `ground` (member), `ground-reader` (may look only) and `ground-admin`."""
    clouds = {
        cloud: {
            "region_name": REGION,
            "interface": "public",
            "identity_api_version": 3,
            "auth": {
                "auth_url": f"{ports.url('keystone')}/v3",
                "username": user,
                "password": passwords[user],
                "project_name": project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
        }
        for cloud, (user, project) in CLOUDS.items()
    }
    write_private(folders.clouds_yaml, yaml.safe_dump({"clouds": clouds}, sort_keys=False))


def connect(folders: Folders, cloud: str = "ground") -> Connection:
    """A connection as one of the clouds. Variables OS_* of the environment play no part."""
    configuration = openstack.config.OpenStackConfig(
        config_files=[str(folders.clouds_yaml)], load_envvars=False, app_name="ground"
    )
    return Connection(config=configuration.get_one(cloud))
