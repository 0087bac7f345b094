import numpy as np
import pytest

from train.evaluate.measurements import MapMeasures, Predictions


def measures_of(size, cosine, iou=None):
    """The measures of five faces; those that are not given are missing."""
    nothing = np.full(5, np.nan, np.float32)
    return MapMeasures(
        size=size,
        cosine=np.array(cosine, np.float32),
        energy=nothing,
        pointing=nothing,
        iou=nothing if iou is None else np.array(iou, np.float32),
        unit_concentration=np.full((5, 2), np.nan, np.float32),
        moved=nothing,
        moved_energy=nothing,
        moved_area=nothing,
        still=nothing,
    )


@pytest.fixture
def make_predictions():
    """Five faces of three classes, the last one by default without a map; two layers, and a CAM."""

    def make(has_map=(True, True, True, True, False)):
        rng = np.random.default_rng(0)
        stacks = {name: rng.random((5, 6, 6)).astype(np.float32) for name in ("attention", "cam", "true")}
        return Predictions(
            rows=np.arange(5),
            actual=np.array([0, 0, 1, 1, 2]),
            predicted=np.array([0, 1, 1, 1, 0]),
            confidence=np.full(5, 0.7, np.float32),
            has_map=np.array(has_map),
            maps={
                "layer1": measures_of((6, 6), [0.1, 0.1, 0.1, 0.1, np.nan]),
                "layer5": measures_of((3, 3), [0.2, 0.4, 0.9, 0.9, np.nan]),
                "cam": measures_of((3, 3), [0.0, 0.2, 0.5, 0.5, np.nan], iou=[0.2, 0.2, 0.4, 0.8, np.nan]),
            },
            **stacks,
        )

    return make


@pytest.fixture
def predictions(make_predictions):
    return make_predictions()
