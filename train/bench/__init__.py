"""``aucue bench train``: the cost of a training step, and whether reading keeps up."""
