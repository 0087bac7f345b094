"""Write outputs: where they really are, under locks, as a whole, and never over files of the user."""
