"""The classifier: a backbone and a method; its maps and its checkpoint."""
