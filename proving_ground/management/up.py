"""A management plane up and down. Run again after an interruption, `up` goes on where it stopped."""

from __future__ import annotations

import json
import shutil

import docker

from proving_ground.engine import parts
from proving_ground.management import credentials, image, manifests, programs
from proving_ground.management.api import Api
from proving_ground.management.install import install
from proving_ground.management.localize import localize
from proving_ground.management.managers import MANAGERS
from proving_ground.management.plane import ADDRESS, PROGRAMS, plane
from proving_ground.management.refusals import refuses
from proving_ground.progress import Progress
from proving_ground.settings import Folders


def up(
    client: docker.DockerClient,
    folders: Folders,
    progress: Progress,
    name: str = "one",
    idle: bool = False,
) -> None:
    """Brings a plane up: API server, Cluster API's controllers with their webhooks, kubeconfig.

    `idle`: webhooks answer and no object is reconciled. Called again with the other value, the managers start
    anew and nothing else does.

    Raises `GroundError` of the first part that does not come up.
    """
    it = plane(folders, name)
    with progress.step(f"plane {name}: image and manifests"):
        reference = image.build(client, folders)
        sets = manifests.rendered(folders)
    deployments = {manager.name: manifests.deployment(sets[manager.name]) for manager in MANAGERS}
    authority = credentials.ensure(it, deployments)
    programs.prepare(it)
    (it.folder / "endpoints.json").write_text(json.dumps(it.endpoints, indent=1) + "\n")
    with progress.step(f"plane {name}: Kubernetes"):
        parts.start_and_wait(client, [programs.etcd(it, reference)])
        parts.start_and_wait(client, [programs.api_server(it, reference)])
        controllers = programs.controller_manager(it, reference)
        parts.start(client, controllers)
    with Api(it) as api:
        with progress.step(f"plane {name}: definitions, roles, webhooks"):
            webhooks = {m.name: f"https://{ADDRESS}:{it.port(m.name, 'webhook')}" for m in MANAGERS}
            install(api, localize(sets, webhooks, authority.pem))
            parts.wait(client, controllers)
        with progress.step(f"plane {name}: Cluster API's managers"):
            parts.start_and_wait(
                client,
                [
                    programs.manager(
                        it,
                        reference,
                        manager.name,
                        deployments[manager.name],
                        refuses(api, manager.name),
                        idle=idle,
                    )
                    for manager in MANAGERS
                ],
            )


def down(client: docker.DockerClient, folders: Folders, name: str = "one") -> None:
    """Takes a plane down: its containers and its folder. No plane there is no error."""
    it = plane(folders, name)
    parts.remove(client, [it.part(program) for program in PROGRAMS])
    if it.folder.exists():
        shutil.rmtree(it.folder)
