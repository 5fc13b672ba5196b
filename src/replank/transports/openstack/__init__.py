"""Reads OpenStack projects with openstacksdk. Never writes."""
