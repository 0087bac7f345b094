"""Stage evaluate: measure a trained variant on the test split."""
