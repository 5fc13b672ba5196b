"""`python -m replank.app`."""

from replank.app.cli import main

main()
