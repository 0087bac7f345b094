import cv2
import numpy as np
import pytest

from pipeline.ingest import stage as ingest
from pipeline.ingest.datasets import DatasetSource, ferplus
from pipeline.runtime.errors import InputError

NAMES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
PIXELS = " ".join(str(value % 256) for value in range(48 * 48))


def votes_for(*classes):
    """Ten columns: 3 votes for each of the classes, one for the next."""
    counts = [0] * 10
    for number in classes:
        counts[number] = 3
    counts[(max(classes) + 1) % 10] = max(1, counts[(max(classes) + 1) % 10])
    return ",".join(map(str, counts))


@pytest.fixture
def read(tmp_path):
    """Read FERPlus with the given votes, and as many photos; ``usages`` of all rows."""

    def read(votes, usages=None, pixels=None, fer_usages=None):
        usages = usages or ["Training"] * len(votes)
        fer_usages, pixels = fer_usages or usages, pixels or [PIXELS] * len(votes)
        fer = [f"0,{text},{usage}" for text, usage in zip(pixels, fer_usages, strict=True)]
        plus = [f"{usage},fer{i:07d}.png,{vote}" for i, (vote, usage) in enumerate(zip(votes, usages, strict=False))]
        header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
        (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *fer]))
        (tmp_path / "fer2013new.csv").write_text("\n".join([header, *plus]))
        return ferplus.read(DatasetSource(tmp_path, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1))

    return read


def test_majority_decides(read):
    photos = read([votes_for(number) for number in range(10)])
    assert [photo.label for photo in photos] == NAMES
    assert {photo.status for photo in photos} == {"ok"}
    assert photos[3].id == "fer0000003"


def test_tie_is_excluded_with_its_reason(read):
    (photo,) = read([votes_for(1, 3)])
    assert (photo.status, photo.reason) == ("excluded", "votes tie")


def test_usage_is_the_split(read):
    photos = read([votes_for(0)] * 3, ["Training", "PublicTest", "PrivateTest"])
    assert [photo.split for photo in photos] == ["train", "validation", "test"]


def test_pixels_are_written_row_by_row(read):
    (photo,) = read([votes_for(0)])
    image = cv2.imread(photo.path, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(image, (np.arange(48 * 48) % 256).reshape(48, 48))


def test_unknown_and_no_face_are_excluded_by_ingest(read, params, tmp_path):
    usages = ["Training"] * 4 + ["PublicTest", "PrivateTest"]
    read([votes_for(number) for number in (1, 7, 8, 9, 0, 0)], usages)
    ours = params.ingest.model_copy(update={"dataset": "ferplus", "root": str(tmp_path)})
    photos = ingest.main(
        base=params.base, params=ours, photos_dir=tmp_path / "photos", manifest_path=tmp_path / "manifest.csv"
    )
    assert [photo.reason for photo in photos if photo.status == "excluded"] == [
        f"label {label} is not in ingest.labels" for label in ("contempt", "unknown", "NF")
    ]


@pytest.mark.parametrize(
    "pixels", ["1 2 3", PIXELS + " 1", PIXELS.replace("255", "256"), PIXELS.replace("7", "x"), PIXELS.replace(" 5 ", " -5 ")]
)
def test_broken_pixels_are_named(read, pixels):
    with pytest.raises(
        InputError, match=r"fer2013.csv line 3: expected 2304 pixels of 0 to 255 .*: restore the published file"
    ):
        read([votes_for(0)] * 2, pixels=[PIXELS, pixels])


def test_broken_votes_are_named(read):
    with pytest.raises(
        InputError, match=r"fer2013new.csv line 3: expected a number of votes for each of neutral, happiness"
    ):
        read([votes_for(0), "0,1,x,0,0,0,0,0,0,0"])


def test_row_without_any_vote_is_not_a_face_of_a_class(read):
    (photo,) = read(["0,0,0,0,0,0,0,0,0,0"])
    assert photo.status == "excluded"


def test_tables_of_different_releases_are_named(read):
    with pytest.raises(InputError, match=r"fer2013new.csv has 1 rows, .*fer2013.csv 2: take both from one release"):
        read([votes_for(0)], usages=["Training"], pixels=[PIXELS] * 2, fer_usages=["Training"] * 2)
    with pytest.raises(InputError, match=r"fer2013new.csv line 2: Usage 'Training' does not match .*fer2013.csv line 2"):
        read([votes_for(0)], usages=["Training"], fer_usages=["PrivateTest"])
    with pytest.raises(InputError, match="Usage 'Other' does not match"):
        read([votes_for(0)], usages=["Other"])


def test_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"fer2013\.csv does not exist: check ingest\.root"):
        ferplus.read(DatasetSource(tmp_path, tmp_path, (), 1, 0, 1))
