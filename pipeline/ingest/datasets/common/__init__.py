"""What adapters share: finding files, reading tables and class folders, and noting what is passed over."""
