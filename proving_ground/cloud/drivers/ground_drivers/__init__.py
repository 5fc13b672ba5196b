"""Docker as the hypervisor and the network fabric of a real OpenStack: drivers of Nova, Neutron and Octavia.

Installed in the cloud's own virtual environment, inside its containers. What they keep stands in Docker and
in OpenStack's databases; nothing is remembered in a process, so each service can be restarted at any time.
"""
