"""Findings: their form, their codes and the texts behind the codes."""
