"""Heatmaps from landmarks and a codebook: the renderer, and the shapes that it draws."""
