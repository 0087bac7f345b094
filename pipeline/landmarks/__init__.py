"""Stage landmarks: 68 points per face, alignment, and face shards."""
