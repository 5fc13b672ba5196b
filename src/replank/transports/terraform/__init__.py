"""Terraform and OpenTofu states from disk and from `state pull`. Never writes, never locks."""

from replank.transports.terraform.discover import DiscoverLimits, discover
from replank.transports.terraform.reader import TerraformStateReader

__all__ = ["DiscoverLimits", "TerraformStateReader", "discover"]
