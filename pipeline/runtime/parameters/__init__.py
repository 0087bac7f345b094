"""params.yaml as typed, frozen objects: a block of parameters per stage.

``blocks`` holds the blocks and their limits, ``block`` their base class.
"""

from pipeline.runtime.parameters.blocks import (
    Augment,
    Base,
    Detect,
    Evaluate,
    Heatmaps,
    Ingest,
    Landmarks,
    Params,
    Report,
    Train,
    load,
)

__all__ = ["Augment", "Base", "Detect", "Evaluate", "Heatmaps", "Ingest", "Landmarks", "Params", "Report", "Train", "load"]
