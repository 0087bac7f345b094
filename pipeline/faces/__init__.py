"""What several stages know of a photo and of the face in it."""
