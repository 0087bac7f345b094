"""Benchmarks: the command ``aucue bench``. Figures that are compared are measured in one run."""
