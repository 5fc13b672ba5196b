"""`make bench-ground`: a takeover of many clusters through a real API server, against a bare loop of applies.

Three ways to bring the same objects onto the same idle management plane (webhooks serve, controllers see
nothing), in turn, block by block, so that whatever else the machine does meets all three: replank's engine; a
loop that only applies; a loop that asks for a dry run of each object before it applies it, as replank
promises.
"""
