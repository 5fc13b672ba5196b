"""Carries plans out: one step after another, journaled, and carried on after a crash."""
