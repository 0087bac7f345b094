"""``aucue tables``: the paper's tables from any number of evaluated runs."""
