"""A real small OpenStack whose servers are containers that boot. See `up` for the order of things."""

from __future__ import annotations

from proving_ground.cloud.connect import connect
from proving_ground.cloud.down import down
from proving_ground.cloud.register import register_image
from proving_ground.cloud.up import parts, up

__all__ = ["connect", "down", "parts", "register_image", "up"]
