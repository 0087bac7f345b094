"""Faces and heatmaps from the shards, and the random views that training sees of them."""
