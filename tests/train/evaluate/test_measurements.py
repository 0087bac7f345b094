from dataclasses import replace

import numpy as np

from train.evaluate.measurements import Faithfulness, gather


def test_batches_are_joined_field_by_field_in_their_order(make_predictions):
    first = replace(make_predictions(), faithfulness=Faithfulness(np.zeros(5), np.ones(5)))
    second = replace(
        make_predictions((False,) * 5), rows=np.arange(5, 10), faithfulness=Faithfulness(np.ones(5), np.ones(5))
    )
    joined = gather(iter([first, second]), 10)
    assert joined.rows.tolist() == list(range(10))
    assert joined.has_map.tolist() == [True] * 4 + [False] * 6
    np.testing.assert_array_equal(joined.true, np.concatenate([first.true, second.true]))
    assert joined.has_map.dtype == bool
    assert list(joined.maps) == ["layer1", "layer5", "cam"]
    cam = joined.maps["cam"]
    assert cam.size == (3, 3)
    np.testing.assert_array_equal(cam.cosine, np.tile(first.maps["cam"].cosine, 2))
    assert cam.unit_concentration.shape == (10, 2)
    assert joined.faithfulness.insertion.tolist() == [0] * 5 + [1] * 5
    assert gather([make_predictions()] * 2, 10).faithfulness is None


def test_kinds_that_the_method_does_not_make_have_no_cosine(predictions):
    assert predictions.class_map_kind == "cam"
    assert predictions.cosine("layer5")[1] == np.float32(0.4)
    without = replace(predictions, maps={"gradcam": predictions.maps["cam"]})
    assert without.class_map_kind == "gradcam"
    assert np.isnan(without.cosine("cam")).tolist() == [True] * 5
