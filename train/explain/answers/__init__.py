"""A classifier's answers to faces: found in photos, explained, put into words and drawn."""
