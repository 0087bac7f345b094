"""Offline half of aucue: photos in, HDF5 shards of aligned faces and action-unit heatmaps out. Knows nothing of torch."""
