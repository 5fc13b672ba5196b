"""`python -m replank`."""

from replank.app.cli import main

main()
