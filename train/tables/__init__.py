"""The paper's tables, and its chart over lambda, from any number of evaluated runs."""
