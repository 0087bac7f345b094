import io

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.faces import picture as pictures
from pipeline.faces.decoding import decode_rgb
from pipeline.faces.headers import PhotoTooLargeError, UnreadablePhotoError
from pipeline.faces.picture import Picture, read_picture
from tests.pipeline.faces.exif_turns import STORED, tagged

TURNED_BACK = {**STORED, 6: STORED[8], 8: STORED[6]}
MODES = {"RGB": lambda rgb: rgb, "L": lambda rgb: rgb[..., :1].repeat(3, axis=2), "CMYK": lambda rgb: rgb}


def upright(height, width):
    """(h, w, 3) RGB: no two corners, and no two channels, are alike."""
    corners = np.array([[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [230, 230, 60]]], np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)


def reduced(stored, times):
    """The means over squares of the stored picture, whose last row and column may be cut off."""
    height, width = stored.shape[:2]
    padded = cv2.copyMakeBorder(stored, 0, -height % times, 0, -width % times, cv2.BORDER_REPLICATE)
    size = -(-width // times), -(-height // times)
    return cv2.resize(padded, size, interpolation=cv2.INTER_AREA)


def write(path, image, orientation=1, kind="JPEG", mode="RGB", **options):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](image))).convert(mode)
    stored.save(path, kind, **tagged(kind, orientation), **options)


@pytest.mark.parametrize("orientation", STORED)
def test_size_of_a_photo_whose_reduced_picture_is_square(tmp_path, orientation):
    write(tmp_path / "a.jpg", upright(1194, 1200), orientation)
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.rgb(8).shape[:2] == (150, 150)
    assert picture.size == (1200, 1194)


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("mode", MODES)
def test_jpegs_are_upright_and_in_their_colours_at_every_size(tmp_path, mode, orientation, reduction):
    image = upright(131, 1301)
    write(tmp_path / "a.jpg", image, orientation, mode=mode, quality=95, subsampling=0)
    picture = read_picture(tmp_path / "a.jpg")
    seen = picture.rgb(reduction)
    assert seen.shape == (-(-131 // reduction), -(-1301 // reduction), 3)
    assert picture.size == (1301, 131)
    assert picture.longer == 1301
    expected = MODES[mode](np.array(Image.fromarray(image).convert(mode).convert("RGB")))
    squares = TURNED_BACK[orientation](reduced(STORED[orientation](expected), reduction))
    assert np.abs(seen.astype(int) - squares).max() <= 4
    assert np.array_equal(picture.grey(reduction), cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_photos_of_other_formats_are_seen_reduced_too(tmp_path, kind, orientation, reduction):
    image = upright(131, 1301)
    write(tmp_path / "a", image, orientation, kind, **({"lossless": True, "method": 0} if kind == "WEBP" else {}))
    picture = read_picture(tmp_path / "a")
    seen = picture.rgb(reduction)
    assert picture.size == (1301, 131)
    assert seen.shape == (131 // reduction, 1301 // reduction, 3)
    squares = image[: 131 // reduction * reduction, : 1301 // reduction * reduction].reshape(
        131 // reduction, reduction, 1301 // reduction, reduction, 3
    )
    assert np.abs(seen - squares.mean(axis=(1, 3))).max() <= 1


def test_the_size_is_known_before_and_after_pixels_are_decoded(tmp_path):
    write(tmp_path / "a.jpg", upright(1300, 131), orientation=6)
    before, after = read_picture(tmp_path / "a.jpg"), read_picture(tmp_path / "a.jpg")
    after.rgb(4)
    assert before.size == after.size == (131, 1300)


def test_nothing_is_decoded_larger_than_needed():
    large, small = Picture(np.zeros((10, 4000, 3), np.uint8)), Picture(np.zeros((1024, 700, 3), np.uint8))
    needed = {4000: 1, 2001: 1, 2000: 2, 1000: 4, 501: 4, 500: 8, 100: 8}
    assert {pixels: large.reduction(4000, pixels) for pixels in needed} == needed
    assert small.reduction(1024, 1) == 1


@pytest.mark.parametrize(("height", "width"), [(3000, 2), (1, 1300)])
def test_a_strip_keeps_a_pixel_at_least(tmp_path, height, width):
    write(tmp_path / "a.jpg", upright(height, width))
    for picture in (Picture(upright(height, width)), read_picture(tmp_path / "a.jpg")):
        assert min(picture.rgb(8).shape[:2]) == 1
        assert picture.size == (width, height)


def test_a_photo_of_normal_size_keeps_every_pixel(tmp_path, faces_dir):
    for path in sorted((faces_dir / "images").glob("*.jpg"))[::200]:
        picture = read_picture(path)
        assert np.array_equal(picture.rgb(picture.reduction(picture.longer, 10)), decode_rgb(path.read_bytes()))
    write(tmp_path / "a.jpg", upright(800, 1024), orientation=7)
    assert read_picture(tmp_path / "a.jpg").reduction(1024, 10) == 1


@pytest.mark.parametrize("share", [0.2, 0.99])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_that_ends_early_is_unreadable(tmp_path, rng, share, progressive):
    stream = io.BytesIO()
    image = Image.fromarray(cv2.GaussianBlur(rng.integers(0, 255, (1200, 1600, 3), np.uint8), (0, 0), 3))
    image.save(stream, "JPEG", progressive=progressive)
    (tmp_path / "a.jpg").write_bytes(stream.getvalue()[: int(share * stream.tell())])
    picture = read_picture(tmp_path / "a.jpg")
    for reduction in (8, 1):
        with pytest.raises(UnreadablePhotoError, match=r"^not a complete image \(JPEG\)$"):
            picture.rgb(reduction)


def test_what_is_known_before_decoding_is_said_at_once(tmp_path):
    write(tmp_path / "a.jpg", upright(1200, 1600))
    with pytest.raises(PhotoTooLargeError, match="1600 x 1200 pixels"):
        read_picture(tmp_path / "a.jpg", max_pixels=1000)
    with pytest.raises(UnreadablePhotoError, match="changed since"):
        read_picture(tmp_path / "a.jpg", sha256="0" * 64)
    assert pictures.WHOLE < 1600
