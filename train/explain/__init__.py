"""Where a classifier looks: class activation maps, and whether the network needs the places they show."""
