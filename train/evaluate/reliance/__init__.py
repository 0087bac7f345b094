"""What the decisions of a classifier lean on: its measure, the views and donors that it needs, and its figures."""
