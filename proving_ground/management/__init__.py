"""The management plane: a real Kubernetes API server and Cluster API's own controllers, in containers."""

from proving_ground.management.audit import Write, writes
from proving_ground.management.credentials import user
from proving_ground.management.managers import TOOLCHAIN
from proving_ground.management.plane import Plane, plane
from proving_ground.management.up import down, up

__all__ = ["TOOLCHAIN", "Plane", "Write", "down", "plane", "up", "user", "writes"]
