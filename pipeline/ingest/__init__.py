"""Stage ingest: a dataset becomes one manifest of photos, labels, subjects and splits."""
