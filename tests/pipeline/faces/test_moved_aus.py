import pytest

from pipeline.faces.moved_aus import format_moved_aus, parse_moved_aus


@pytest.mark.parametrize(
    ("moved", "text"),
    [
        ({}, ""),
        ({12: (0.9, 1.1)}, "12=0.90/1.10"),
        ({25: (0.7, 0.7), 4: (0.0, 1.25)}, "25=0.70/0.70 4=0.00/1.25"),
    ],
)
def test_round_trip(moved, text):
    assert format_moved_aus(moved) == text
    assert parse_moved_aus(text) == moved
    assert list(parse_moved_aus(text)) == list(moved)


def test_intensities_keep_two_decimals():
    assert parse_moved_aus(format_moved_aus({6: (0.123456, 0.999)})) == {6: (0.12, 1.0)}


@pytest.mark.parametrize("text", ["12", "12=0.9", "12=0.9/1.1/2", "x=1/1", "12=a/b", "=1/1"])
def test_other_text_is_an_error(text):
    with pytest.raises(ValueError, match=r"unpack|invalid literal|could not convert"):
        parse_moved_aus(text)
