"""Photos and the faces in them, as several stages use them: decoding, boxes, landmarks and tables."""
