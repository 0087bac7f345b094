"""Stage train: the training loop, from the shards to the best epoch's checkpoint."""
