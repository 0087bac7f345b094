"""Stage detect: the face in every photo, or the reason there is none."""
