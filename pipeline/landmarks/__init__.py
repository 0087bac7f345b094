"""Stage landmarks: place 68 landmarks on every face, align the faces, and write the face shards."""
