"""What is read and done on hosts by commands, whatever the way to them: SSH, or a pod on a node."""
