"""Read the tables that datasets come with: their text, their columns and their rows."""
