"""The servers of the twin: they serve a `World` over the wire, each in a thread of its own."""
