"""Read the folders of a dataset: their trees, classes, splits and parts, and what is passed over in them."""
