import numpy as np
import pytest

from pipeline.shards.crops import decode_crop, encode_crop


@pytest.fixture
def image(rng):
    return np.full((32, 32, 3), [200, 90, 30], np.uint8) + rng.integers(0, 4, (32, 32, 3), np.uint8)


def test_raw_is_every_pixel(image):
    encoded = encode_crop(image, "raw", 95)
    assert encoded.shape == (32 * 32 * 3,)
    np.testing.assert_array_equal(decode_crop(encoded, "raw"), image)


def test_jpeg_keeps_the_colours_in_their_order_and_follows_the_quality(image):
    fine, coarse = (encode_crop(image, "jpeg", quality) for quality in (95, 60))
    np.testing.assert_allclose(decode_crop(fine, "jpeg").mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=3)
    assert len(coarse) < len(fine) < image.size


@pytest.mark.parametrize("encoding", ["jpeg", "raw"])
def test_what_is_no_crop_is_none(encoding):
    assert decode_crop(np.arange(100, dtype=np.uint8), encoding) is None
