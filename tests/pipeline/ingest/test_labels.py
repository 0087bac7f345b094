import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest.labels import check_labels
from pipeline.runtime.errors import InputError


def labelled(label, status="ok"):
    return Photo("a", "a.png", label, "", "", status)


def test_known_class_that_is_left_out_is_excluded():
    fear, joy = check_labels([labelled("fear"), labelled("joy")], ("fear",), {"fear", "joy"})
    assert fear == labelled("fear")
    assert (joy.status, joy.reason) == ("excluded", "label joy is not in ingest.labels")


def test_label_of_an_excluded_photo_is_not_looked_at():
    photos = [labelled("unknown", "excluded")]
    assert check_labels(photos, ("fear",), ()) == photos


@pytest.mark.parametrize(("label", "fix"), [("Fear", "write fear if that is meant"), ("envy", "correct the label")])
def test_unknown_label_is_named_with_its_fix(label, fix):
    with pytest.raises(InputError, match=rf"'{label}', unknown to ingest\.labels \(fear\): {fix}, or add it there"):
        check_labels([labelled(label)], ("fear",), ())
