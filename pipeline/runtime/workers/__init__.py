"""Functions that run in other processes and threads, or on a cluster."""
