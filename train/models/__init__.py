"""The classifier, which is a backbone and a method; its maps and its checkpoint."""
