"""Edit a codebook on a face.

The browser holds the content of the codebook, as plain data like the file's. Each change is sent here, checked by the
codebook's own rules and rendered by its own renderer; nothing is kept between two requests. ``gestures`` turns drags into
parameters, and ``merging`` writes the content into the file that it came from, comments and all.
"""
