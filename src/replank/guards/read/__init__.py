"""Pure: from the APIs' documents to what a round has seen."""
