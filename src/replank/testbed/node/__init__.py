"""A node as `swap_node.py` sees it: systemd, Docker, containerd, kubelet and CNI, on files below one folder.

It behaves like the real parts where that matters: `docker stop` calls no CNI; a host port belongs to the
first chain that names it; the kubelet starts what is missing in the runtime that its flags name; a restart
of containerd leaves containers alone; an old containerd kills what a new shim started; a reboot ends every
process, transient unit and chain, and starts what is enabled. Facts: what was seen on real nodes.

`World` is the whole of it; each file here is one of its parts, on the state in `state.py`.
"""
