"""The demo's pictures: portraits that move by FACS action units."""
