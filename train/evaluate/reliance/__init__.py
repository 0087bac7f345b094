"""What the decisions of a classifier lean on: its measure on a batch of faces, and its figures."""
