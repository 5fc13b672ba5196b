"""What works on the node: `swap_node.py`, and the files by which replank talks with it."""
