"""Stage evaluate: measures one trained variant on the test split."""
