"""`serve.py [--start MODULE] MODULE ADDRESS PORT THREADS [-- ARGUMENTS]`: one process that serves the WSGI
application of a module, after an optional `MODULE.start()`."""

from __future__ import annotations

import argparse
import importlib
import sys

from waitress import serve

parser = argparse.ArgumentParser()
parser.add_argument("module")
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("threads", type=int)
parser.add_argument("--start", help="a module whose start() runs once the application is loaded")
parser.add_argument("arguments", nargs="*", help="what the application finds in sys.argv")
options = parser.parse_args()
sys.argv = [options.module, *options.arguments]
application = importlib.import_module(options.module).application
if options.start:
    importlib.import_module(options.start).start()
serve(
    application,
    listen=f"{options.address}:{options.port}",
    threads=options.threads,
    channel_timeout=300,
    max_request_body_size=1 << 34,
    clear_untrusted_proxy_headers=True,
    ident=None,
)
