"""Stage heatmaps: render every face's action-unit heatmap from its stored landmarks alone."""

from pipeline.codebook.renderer import render

__all__ = ["render"]
