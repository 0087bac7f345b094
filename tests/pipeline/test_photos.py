import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest

from pipeline.photos import Unreadable, read_rgb

HEIGHT, WIDTH = 40, 64
FORMATS = [".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm"]


@pytest.fixture(scope="module")
def picture():
    """(40, 64, 3) RGB: no two corners, and no two channels, are alike."""
    corners = np.array([[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [230, 230, 60]]], np.uint8)
    return cv2.resize(corners, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def encode(suffix, image, *options):
    return cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image, options)[1].tobytes()


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "photo"
        path.write_bytes(content)
        image = read_rgb(path)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous
        return image

    return read


def unreadable(read, content, match="not a complete image"):
    with pytest.raises(Unreadable, match=match):
        read(content)


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats_give_rgb(read, picture, suffix):
    image = read(encode(suffix, picture))
    assert image.shape == picture.shape
    assert np.abs(image.astype(int) - picture).mean() < 4


def test_path_may_be_text(tmp_path, picture):
    (tmp_path / "größe 顔.png").write_bytes(encode(".png", picture))
    np.testing.assert_array_equal(read_rgb(str(tmp_path / "größe 顔.png")), picture)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".pgm", ".tiff"])
def test_grey_becomes_three_equal_channels(read, picture, suffix):
    image = read(encode(suffix, picture[:, :, 0]))
    assert image.shape == picture.shape
    assert np.ptp(image, axis=2).max() == 0
    assert np.abs(image[:, :, 0].astype(int) - picture[:, :, 0]).mean() < 4


def test_alpha_is_dropped(read, picture):
    alpha = np.dstack([picture, np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint8)])
    encoded = cv2.imencode(".png", cv2.cvtColor(alpha, cv2.COLOR_RGBA2BGRA))[1].tobytes()
    np.testing.assert_array_equal(read(encoded), picture)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight(read, picture, suffix, channels):
    deep = picture.astype(np.uint16) * 257
    image = read(encode(suffix, deep if channels == 3 else deep[:, :, 0]))
    expected = picture if channels == 3 else np.repeat(picture[:, :, :1], 3, axis=2)
    assert np.abs(image.astype(int) - expected).max() <= 1


# How a picture is stored under each EXIF orientation, so that it is upright when turned as the tag says.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


def with_orientation(jpeg, orientation):
    """A JPEG with an EXIF segment that holds the orientation tag (0x0112) alone."""
    tag = (0x0112).to_bytes(2, "big") + (3).to_bytes(2, "big") + (1).to_bytes(4, "big") + orientation.to_bytes(2, "big")
    tiff = b"MM\x00\x2a" + (8).to_bytes(4, "big") + (1).to_bytes(2, "big") + tag + bytes(2) + bytes(4)
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(read, picture, orientation):
    stored = np.ascontiguousarray(STORED[orientation](picture))
    image = read(with_orientation(encode(".jpg", stored), orientation))
    assert image.shape == picture.shape
    assert np.abs(image.astype(int) - picture).mean() < 4


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_senseless_orientation_is_ignored(read, picture, orientation):
    assert read(with_orientation(encode(".jpg", picture), orientation)).shape == picture.shape


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(read, picture, kind):
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(picture).convert("CMYK").save(stream, kind)
    image = read(stream.getvalue())
    assert image.shape == picture.shape
    assert np.abs(image.astype(int) - picture).mean() < 6


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("suffix", FORMATS)
def test_truncated_file_is_unreadable(read, picture, suffix, share):
    encoded = encode(suffix, picture)
    unreadable(read, encoded[: int(share * len(encoded))])


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_progressive_jpeg_is_unreadable(read, picture, share):
    encoded = encode(".jpg", picture, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    unreadable(read, encoded[: int(share * len(encoded))])


def test_bytes_after_the_image_do_no_harm(read, picture):
    assert read(encode(".jpg", picture) + bytes(100)).shape == picture.shape


@pytest.mark.parametrize("content", [b"\x00", b"hello", b"<svg/>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_what_is_no_image_is_unreadable(read, content):
    unreadable(read, content)


def test_noise_never_raises_anything_else(read, picture, rng):
    for suffix in FORMATS:
        encoded = np.frombuffer(encode(suffix, picture), np.uint8)
        for _ in range(40):
            damaged = encoded.copy()
            damaged[rng.integers(0, len(damaged), 4)] = rng.integers(0, 256, 4)
            with contextlib.suppress(Unreadable):
                assert read(damaged.tobytes()).ndim == 3


def test_empty_file_says_so(read):
    unreadable(read, b"", match="the file is empty")


def test_missing_file_and_folder_say_so(tmp_path):
    with pytest.raises(Unreadable, match="No such file or directory"):
        read_rgb(tmp_path / "none.jpg")
    with pytest.raises(Unreadable, match="Is a directory"):
        read_rgb(tmp_path)


def test_path_that_no_file_can_have_is_unreadable():
    with pytest.raises(Unreadable):
        read_rgb("a\0b.jpg")


def png_that_claims(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_senseless_size_is_unreadable(read):
    unreadable(read, png_that_claims(200_000, 200_000), match="PIXELS")


def test_size_far_beyond_photos_is_refused_by_name(read):
    unreadable(read, png_that_claims(20_000, 20_000), match="PIXELS")
