"""``aucue verify``: checks of everything that the stages from ingest to heatmaps wrote."""
