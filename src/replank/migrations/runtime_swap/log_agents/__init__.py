"""Remedies for log agents: the changed configuration that reads both formats. Pure: nothing is applied
here.
"""
