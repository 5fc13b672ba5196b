"""Promtail, Grafana Agent and Alloy: one language of pipeline stages in two spellings."""
