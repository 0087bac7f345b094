"""Check everything that the stages from ingest to heatmaps wrote: the command ``aucue verify``."""
