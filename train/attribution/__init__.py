"""Where a classifier looks, and what it needs: class activation maps, and views in which some places show something else."""
