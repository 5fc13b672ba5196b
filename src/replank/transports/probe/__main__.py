"""`python -m replank.transports.probe`."""

from __future__ import annotations

import sys

from replank.transports.probe.main import main

sys.exit(main())
