"""Documents of the OpenStack APIs, shaped as `testbed/serve/openstack` describes them."""
