"""``aucue bench``: measurements, side by side in one run."""
