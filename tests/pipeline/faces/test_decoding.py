import contextlib
import io
import itertools
import json
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.faces import decoding as photos
from pipeline.faces import headers
from pipeline.faces.decoding import decode_rgb, read_bytes, read_rgb
from pipeline.faces.headers import PhotoTooLargeError, UnreadablePhotoError
from tests.pipeline.faces.exif_turns import STORED, exif, tagged

HEIGHT, WIDTH = 40, 64
FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM"]


@pytest.fixture(scope="module")
def picture():
    """(40, 64, 3) RGB: no two corners, and no two channels, are alike."""
    corners = np.array([[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [230, 230, 60]]], np.uint8)
    return cv2.resize(corners, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def encode(kind, image, **options):
    stream = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(np.ascontiguousarray(image))
    image.save(stream, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}), **options)
    return stream.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "photo"
        path.write_bytes(content)
        image = read_rgb(path)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous
        assert image.flags.writeable
        return image

    return read


def unreadable(content, match=r"^not a complete image \([A-Z]+\)$"):
    with pytest.raises(UnreadablePhotoError, match=match) as caught:
        decode_rgb(content)
    assert caught.value.status == "unreadable"


def too_large(content, match="pixels; at most 100,000,000 are decoded"):
    with pytest.raises(PhotoTooLargeError, match=match) as caught:
        decode_rgb(content)
    assert caught.value.status == "too_large"


# --- What a photo may hold: every format, mode and orientation against a computation on the original array ---


def oriented(kind, image, orientation):
    return encode(kind, image, **tagged(kind, orientation))


def on_white(colour, alpha):
    share = alpha[..., None] / 255
    return colour * share + 255 * (1 - share)


def grey_of(array):
    return array[..., :1].repeat(3, axis=2)


def palette_image(index, **info):
    image = Image.fromarray(np.ascontiguousarray(index))
    image = image.convert("P") if image.mode != "P" else image
    image.putpalette(PALETTE.tobytes())
    image.info.update(info)
    return image


PALETTE = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint8)
ALPHA = np.linspace(0, 255, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH)

# Mode -> the array that is stored (turned as a whole), how it becomes an image, and the RGB to expect of it.
MODES = {
    "grey": (lambda p: p[..., 0], Image.fromarray, lambda a: a[..., None].repeat(3, axis=2)),
    "bits": (lambda p: p[..., 0] > 99, Image.fromarray, lambda a: a[..., None].repeat(3, axis=2) * 255),
    "rgb": (lambda p: p, Image.fromarray, lambda a: a),
    "grey_alpha": (
        lambda p: np.dstack([p[..., 0], ALPHA]),
        Image.fromarray,
        lambda a: on_white(grey_of(a), a[..., 1]),
    ),
    "rgb_alpha": (lambda p: np.dstack([p, ALPHA]), Image.fromarray, lambda a: on_white(a[..., :3], a[..., 3])),
    "palette": (lambda p: p[..., 0], palette_image, lambda a: PALETTE[a]),
    "palette_clear": (
        lambda p: p[..., 0],
        lambda a: palette_image(a, transparency=bytes(range(256))),
        lambda a: on_white(PALETTE[a], a),
    ),
    "grey16": (
        lambda p: p[..., 0].astype(np.uint16) * 256 + 77,
        Image.fromarray,
        lambda a: (a / 257)[..., None].repeat(3, axis=2),
    ),
    "cmyk": (
        lambda p: np.dstack([255 - p, ALPHA // 2]),
        lambda a: Image.fromarray(a, "CMYK"),
        lambda a: (255 - a[..., :3]) * (1 - a[..., 3:] / 255),
    ),
}
HELD = {  # by the formats with an orientation; BMP and PPM have none
    "JPEG": ["grey", "rgb", "cmyk"],
    "PNG": ["grey", "bits", "rgb", "grey_alpha", "rgb_alpha", "palette", "palette_clear", "grey16"],
    "WEBP": ["rgb", "rgb_alpha"],
    "TIFF": ["grey", "bits", "rgb", "grey_alpha", "rgb_alpha", "palette", "grey16", "cmyk"],
    "BMP": ["grey", "bits", "rgb", "palette"],
    "PPM": ["grey", "bits", "rgb", "grey16"],
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in HELD.items() for mode in modes])
def test_every_format_and_mode_gives_upright_rgb(read, picture, kind, mode):
    make, image_of, expect = MODES[mode]
    upright = make(picture)
    for orientation, store in STORED.items():
        stored = image_of(np.ascontiguousarray(store(upright)))
        if kind in {"BMP", "PPM"}:
            image, expected = read(encode(kind, stored)), expect(store(upright))
        else:
            image, expected = read(oriented(kind, stored, orientation)), expect(upright)
        assert image.shape == expected.shape
        difference = np.abs(image.astype(float) - expected)
        assert difference.mean() < 4 if kind == "JPEG" else difference.max() <= 1, orientation


@pytest.mark.parametrize("orientation", [0, 9, 300])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_senseless_orientation_is_ignored(read, picture, kind, orientation):
    assert read(oriented(kind, picture, orientation)).shape == picture.shape


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_senseless_exif_is_ignored(read, picture, kind):
    for block in (b"", b"MM", b"hello, world", exif(6)[:14], b"MM\0*" + b"\xff" * 40):
        assert read(encode(kind, picture, exif=b"Exif\0\0" + block)).shape == picture.shape


def test_orientation_is_found_behind_other_segments(read, picture):
    jpeg = oriented("JPEG", picture, 6)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    jpeg = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(xmp)) + xmp + jpeg[2:]
    assert read(jpeg).shape == (WIDTH, HEIGHT, 3)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_of_three_channels_become_eight(read, picture, suffix):
    deep = picture[..., ::-1].astype(np.uint16) * 257
    np.testing.assert_array_equal(read(cv2.imencode(suffix, deep)[1].tobytes()), picture)


@pytest.mark.parametrize("most", [100, 255, 1023, 65535])
def test_greatest_value_of_pgm_is_white(read, most):
    values = np.linspace(0, most, 4).round().astype(">u2" if most > 255 else np.uint8)
    image = read(b"P5 4 1 %d\n" % most + values.tobytes())
    assert np.abs(image[0, :, 0] - values * (255 / most)).max() <= 1


def test_samples_without_a_known_white_are_refused():
    for samples in (np.ones((4, 4), np.float32), np.ones((4, 4), np.int32)):
        unreadable(encode("TIFF", samples), match="32 bits")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animation_gives_its_first_picture(read, picture, kind):
    still = [Image.fromarray(picture), Image.fromarray(255 - picture)]
    np.testing.assert_array_equal(read(encode(kind, still[0], save_all=True, append_images=still[1:])), picture)


def test_bytes_may_be_an_array(picture):
    for kind in FORMATS:
        encoded = encode(kind, picture)
        np.testing.assert_array_equal(decode_rgb(np.frombuffer(encoded, np.uint8)), decode_rgb(encoded))


def test_real_photos_are_all_read(faces_dir):
    for path in (faces_dir / "images").iterdir():
        image, ours = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), read_rgb(path)
        assert np.array_equal(ours, image), path.name


# --- What is no photo, and what is damaged ---


@pytest.mark.parametrize("content", [b"\x00", b"hello", b"<svg/>", b"%PDF-1.7", b"GIF89a", b"\0\0\0\x18ftypheic", bytes(99)])
def test_other_formats_are_unreadable(content):
    unreadable(content, match="^not a JPEG, PNG, BMP, WebP, TIFF or PGM/PPM image$")
    unreadable(b"RIFF\0\0\0\0WAVEfmt ", match="^not a JPEG")


@pytest.mark.parametrize("start", headers.OPENERS)
def test_a_signature_alone_is_unreadable(start):
    start = b"RIFF\0\0\0\0WEBP" if start == b"RIFF" else start
    for rest in (b"", bytes(1), bytes(100), b"\xff" * 100):
        unreadable(start + rest)


def variants(picture):
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    photo = Image.fromarray(noisy)
    return {
        **{kind: encode(kind, photo) for kind in FORMATS},
        "progressive JPEG": encode("JPEG", photo, progressive=True),
        "grey JPEG": encode("JPEG", photo.convert("L")),
        "CMYK JPEG": encode("JPEG", photo.convert("CMYK")),
        "palette PNG": encode("PNG", photo.convert("P")),
        "lossy WebP": cv2.imencode(".webp", noisy, [cv2.IMWRITE_WEBP_QUALITY, 80])[1].tobytes(),
        "palette BMP": encode("BMP", photo.convert("P")),
        "LZW TIFF": encode("TIFF", photo, compression="tiff_lzw"),
        "deflate TIFF": encode("TIFF", photo, compression="tiff_adobe_deflate"),
        "JPEG TIFF": encode("TIFF", photo, compression="jpeg"),
    }


def test_no_truncation_loses_rows_unseen(picture, rng, capfd):
    for name, encoded in variants(picture).items():
        whole = decode_rgb(encoded)
        for length in {*rng.integers(1, len(encoded), 300).tolist(), len(encoded) - 1, len(encoded) - 20}:
            try:
                image = decode_rgb(encoded[:length])
            except UnreadablePhotoError:
                continue
            assert np.array_equal(image, whole), f"{name} cut to {length} of {len(encoded)} bytes"
    assert capfd.readouterr() == ("", "")


def test_bytes_after_the_image_do_no_harm(read, picture):
    for kind in FORMATS:
        assert read(encode(kind, picture) + bytes(100)).shape == picture.shape


def test_stderr_is_silent_only_while_decoding(picture, capfd):
    damaged = bytearray(encode("JPEG", picture, quality=95))
    damaged[-300:-200] = bytes(100)  # libjpeg decodes this with a warning
    cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR)
    assert "Corrupt JPEG" in capfd.readouterr().err
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decode_rgb, [bytes(damaged)] * 40))
    assert not capfd.readouterr().err
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


# --- What is too large ---


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def jpeg(width, height):
    encoded = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    size = encoded.index(b"\xff\xc0") + 5
    return encoded[:size] + struct.pack(">HH", height, width) + encoded[size + 4 :]


def bmp(width, height):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + header + bytes(100)


def tiff(width, height, tile=None):
    pixels = zlib.compress(bytes(100))
    tags = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 277: 1}
    where, length = (324, 325) if tile else (273, 279)
    tags |= {where: 8, length: len(pixels)} | ({322: tile, 323: tile} if tile else {278: height})
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


def webp(kind, header):
    body = b"WEBP" + kind + struct.pack("<I", len(header)) + header
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bombs(width, height):
    lossless = (width - 1 & 0x3FFF) | (height - 1 & 0x3FFF) << 14
    extended = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return {
        "JPEG": jpeg(width, height),
        "PNG": png(width, height),
        "BMP": bmp(width, height),
        "TIFF": tiff(width, height),
        "TIFF tile": tiff(16, 16, tile=width),
        "PPM": b"P6 %d %d 255\n" % (width, height) + bytes(100),
        "extended WebP": webp(b"VP8X", extended),
        "lossless WebP": webp(b"VP8L", b"\x2f" + lossless.to_bytes(4, "little") + bytes(100)),
        "lossy WebP": webp(
            b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF) + bytes(100)
        ),
    }


@pytest.mark.parametrize("name", bombs(1, 1))
@pytest.mark.parametrize("side", [12_000, 60_000])
def test_declared_size_is_refused(name, side):
    too_large(bombs(side, side)[name])


def test_cap_is_on_the_product_and_inclusive(picture):
    for kind in FORMATS:
        encoded = encode(kind, picture)
        assert decode_rgb(encoded, max_pixels=HEIGHT * WIDTH).shape == picture.shape
        with pytest.raises(PhotoTooLargeError, match=f"^{WIDTH} x {HEIGHT} pixels; at most 2,559 are decoded$"):
            decode_rgb(encoded, max_pixels=HEIGHT * WIDTH - 1)


def test_webp_sizes_are_those_of_its_encoder(rng):
    for width, height in rng.integers(1, 300, (20, 2)).tolist():
        image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        for options in ({}, {"exif": b"Exif\0\0" + exif(1)}):
            assert headers.webp_size(encode("WEBP", image, **options)) == (width, height)
        assert headers.webp_size(cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 50])[1]) == (width, height)


# --- Paths ---


def refused(path, match, status="unreadable"):
    with pytest.raises(UnreadablePhotoError, match=match) as caught:
        read_bytes(path)
    assert caught.value.status == status


def test_what_is_no_file_says_so(tmp_path):
    refused(tmp_path / "none.jpg", "No such file or directory")
    refused(tmp_path, "Is a directory")
    refused("a\0b.jpg", "cannot be opened")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "none.jpg")
    refused(tmp_path / "link.jpg", "No such file or directory")
    (tmp_path / "empty.jpg").touch()
    refused(tmp_path / "empty.jpg", "the file is empty")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifo_and_device_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "photo.jpg")
    refused(tmp_path / "photo.jpg", "not a regular file")
    refused("/dev/zero", "not a regular file")


def test_huge_file_is_not_read(tmp_path):
    with (tmp_path / "photo.jpg").open("wb") as stream:
        stream.truncate(photos.MAX_BYTES + 1)  # sparse
    refused(tmp_path / "photo.jpg", "the file has 1,073,741,825 bytes", status="too_large")


def test_file_without_permission_says_so(tmp_path, picture):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode("JPEG", picture))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads every file")
    refused(path, "Permission denied")


# --- 500 damaged files, in a process of their own: a crash, noise on stderr and memory belong to it alone ---

READ_ALL = """
import json, sys
from pathlib import Path
from pipeline.faces.decoding import read_rgb
from pipeline.faces.headers import UnreadablePhotoError

def peak():
    lines = Path("/proc/self/status").read_text().splitlines() if sys.platform == "linux" else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

outcomes, before = {}, peak()
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        image = read_rgb(path, max_pixels=int(sys.argv[2]))
        outcomes[path.name] = ["ok", list(image.shape)]
    except UnreadablePhotoError as error:
        outcomes[path.name] = [error.status, str(error)]
print(json.dumps({"outcomes": outcomes, "grown_kib": peak() - before}))
"""


def read_all(folder, max_pixels=1_000_000):
    command = [sys.executable, "-X", "faulthandler", "-c", READ_ALL, folder, str(max_pixels)]
    environment = {**os.environ, "PYTHONPATH": str(Path(photos.__file__).parents[2]), "PYTHONWARNINGS": "always"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    return found["outcomes"], found["grown_kib"] / 1024


def test_bombs_are_refused_in_little_memory(tmp_path):
    for name, bomb in bombs(60_000, 60_000).items():
        (tmp_path / name).write_bytes(bomb)
    outcomes, grown = read_all(tmp_path, headers.MAX_PIXELS)
    assert {status for status, _ in outcomes.values()} == {"too_large"}
    assert grown < 16


def test_500_damaged_files_end_as_an_image_or_a_reason(tmp_path, picture, rng):
    kinds = variants(picture)
    names = itertools.cycle(["{}.jpg", "{} größe 顔.png", "{} \N{GRINNING FACE}.tiff", "{} ' \" ; $(x) \n.webp", "{}"])
    for number, (name, encoded) in zip(range(490), itertools.cycle(kinds.items()), strict=False):
        damaged = bytearray(encoded)
        places = rng.integers(0, len(damaged), rng.integers(1, 30))
        if number % 3:  # half of these in the first 200 bytes, where the headers are
            places = places % (200 if number % 2 else len(damaged))
            damaged[:] = bytes(
                value ^ int(rng.integers(1, 256)) if at in places else value for at, value in enumerate(damaged)
            )
        else:
            del damaged[places[0] :]
        (tmp_path / next(names).format(f"{number:03} {name}")).write_bytes(damaged)
    for name, bomb in bombs(60_000, 60_000).items():
        (tmp_path / f"bomb {name}").write_bytes(bomb)
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "dangling.jpg").symlink_to("none")
    with contextlib.suppress(OSError):  # not every file system has such names
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg")).write_bytes(kinds["JPEG"])
    outcomes, grown = read_all(tmp_path)
    assert len(outcomes) >= 500
    for name, (status, found) in outcomes.items():
        if status == "ok":
            assert found[2] == 3, name
            assert found[0] * found[1] <= 1_000_000, name
        else:
            assert status in {"unreadable", "too_large"}, name
            assert found.isprintable(), name
            assert str(tmp_path) not in found, name
    assert {status for status, _ in outcomes.values()} == {"ok", "unreadable", "too_large"}
    assert grown < 64
