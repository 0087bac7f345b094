"""Stage heatmaps: every face's action-unit heatmap, from its stored landmarks alone."""


def __getattr__(name: str) -> object:
    """Import ``render``, the room's pure function, when it is asked for: so the command line starts without OpenCV."""
    if name == "render":
        from pipeline.codebook.rendering.renderer import render

        return render
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
