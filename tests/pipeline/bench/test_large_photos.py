import numpy as np

from pipeline.bench.large_photos import make_large_photos
from pipeline.faces import manifest
from pipeline.faces.decoding import read_rgb
from pipeline.faces.manifest import Photo
from pipeline.faces.picture import read_picture
from pipeline.runtime.outputs.files import file_digest


def test_large_photos_are_upright_in_every_turn(faces_dir, tmp_path):
    path = sorted((faces_dir / "images").glob("*.jpg"))[3]
    photos = make_large_photos([Photo("a", str(path), "fear", "train", "")], 8, tmp_path / "photos")
    manifest.check(photos)
    assert [photo.sha256 for photo in photos] == [file_digest(tmp_path / "photos" / f"{photo.id}.jpg") for photo in photos]
    small = read_rgb(path)
    for photo in photos:
        picture = read_picture(photo.path)
        assert picture.longer == 4000
        assert (picture.size[0] >= picture.size[1]) == (small.shape[1] >= small.shape[0])
    # The first and the fourth take the whole photo, each in a turn of its own.
    whole = [read_picture(photos[number].path).rgb(8).astype(int) for number in (0, 3)]
    assert np.abs(whole[0] - whole[1]).mean() < 2
