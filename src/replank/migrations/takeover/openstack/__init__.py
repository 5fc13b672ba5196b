"""What of a takeover belongs to OpenStack and its provider CAPO. Another cloud gets a seam beside this
one.
"""
