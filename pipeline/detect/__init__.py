"""Stage detect: find the face in every photo, or give the reason why there is none."""
