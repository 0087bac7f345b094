"""Stage ingest: turn a dataset into one manifest of photos, labels, subjects and splits."""
