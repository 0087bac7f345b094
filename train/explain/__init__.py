"""Where a classifier looks: class activation maps, and tests of whether the network needs the places that they show."""
