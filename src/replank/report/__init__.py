"""What a person sees: terminal views, a page, manifests as files. Pure: nothing is printed here."""
