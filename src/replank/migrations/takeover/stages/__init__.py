"""The steps of a takeover, stage by stage. `stages.all_stages` puts them in order."""
