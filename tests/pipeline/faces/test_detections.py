import pytest

from pipeline.faces import detections
from pipeline.faces.detections import GIVEN, WHOLE_PHOTO, Detection
from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

DETECTIONS = [
    Detection("a", Status.OK, "", -3.5, 2.0, 100.25, 90.0, 1.25, 2, "padded 128"),
    Detection("größe", Status.NO_FACE, "no face at any level (hog)"),
    Detection("c", Status.OK, "", 1.0, 2.0, 3.0, 4.0, level=GIVEN),
    Detection("d", Status.OK, "", 0.0, 0.0, 640.0, 480.0, level=WHOLE_PHOTO),
]


def test_detections_come_back(tmp_path):
    detections.write(tmp_path / "detections.csv", DETECTIONS)
    assert detections.read(tmp_path / "detections.csv") == DETECTIONS


def test_header_is_the_column_names(tmp_path):
    detections.write(tmp_path / "detections.csv", DETECTIONS[:1])
    assert (tmp_path / "detections.csv").read_text() == (
        "id,status,reason,left,top,right,bottom,score,faces,level\na,ok,,-3.5,2.0,100.25,90.0,1.25,2,padded 128\n"
    )


def test_box_and_level():
    assert DETECTIONS[0].box == (-3.5, 2.0, 100.25, 90.0)
    assert DETECTIONS[1].box == (0.0, 0.0, 0.0, 0.0)
    assert [detection.is_whole_photo for detection in DETECTIONS] == [False, False, False, True]


def test_missing_table_names_the_stage(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv does not exist: run `aucue detect` first"):
        detections.read(tmp_path / "none.csv")


def test_statuses_are_counted_with_the_photos():
    photos = [Photo(str(number), "", "fear" if number < 3 else "anger", "test", "") for number in range(4)]
    counts = detections.count_statuses(DETECTIONS, photos)
    assert counts == {"ok": 3, "no_face": 1}
    assert counts.by_label == {"fear": {"ok": 2, "no_face": 1}, "anger": {"ok": 1}}
    assert counts.by_split == {"test": {"ok": 3, "no_face": 1}}


def test_other_photos_are_not_counted():
    with pytest.raises(ValueError, match="shorter"):
        detections.count_statuses(DETECTIONS, [Photo("a", "", "fear", "test", "")])


def test_an_unknown_status_is_counted_as_a_failure(tmp_path):
    """A table that somebody edited ends in a sentence, not in a traceback."""
    counts = detections.count_statuses([Detection("a", "fine", "")], [Photo("a", "", "fear", "test", "")])
    with pytest.raises(InputError, match=r"1 of 1 photos failed \(1 fine\)"):
        counts.refuse_too_many_failures(0.5, tmp_path)
