"""The data of a training: faces and heatmaps from the shards, their batches, and random views of them."""
