import math

import pytest

from train.explain.answers.words import PLACES, Unit, sentence


def unit(key="12", seen=3.1, needed=0.4, spread=0.05, instead="neutral", listed=True):
    return Unit(key, "Lip Corner Puller", seen, needed, spread, instead, listed)


LESS = "without the lip corners it would be less sure (0.40 beyond the fall elsewhere)"
CHEEKS = unit("6", seen=1.8, needed=0.0, instead="happiness")


def test_a_sentence_says_where_it_looks_and_what_it_needs():
    assert sentence("happiness", 0.938, [CHEEKS, unit()]) == (
        "happiness 94 %: looks at the lip corners (AU12, 3.1 times a flat map) and the cheeks (AU6, 1.8); "
        "without the lip corners it would say neutral."
    )


@pytest.mark.parametrize(
    ("units", "end"),
    [
        ([unit(instead="happiness")], f"{LESS}, but say the same."),
        ([unit(needed=0.04)], "no single region decides the answer."),
        ([unit(spread=0.3)], "no single region decides the answer."),  # noise between the donors is no finding
        ([unit(spread=math.nan)], "no single region decides the answer."),  # nor is a single figure
        ([unit(instead="")], f"{LESS}."),
        ([unit(instead="happiness", needed=0.6), unit("4", seen=1, instead="sadness", needed=0.2)],
         "without the brows and the place between them it would say sadness."),
    ],
)  # fmt: skip
def test_only_a_finding_is_told(units, end):
    assert sentence("happiness", 0.5, units).endswith(f"; {end}")


def test_nothing_is_said_of_what_was_not_measured():
    assert sentence("happiness", 0.5, [unit(needed=math.nan)]) == (
        "happiness 50 %: looks at the lip corners (AU12, 3.1 times a flat map)."
    )


def test_places_that_are_seen_no_more_than_others_are_not_named():
    text = sentence("anger", 0.4, [unit(seen=1.1)])
    assert text.startswith("anger 40 %: looks at no action unit's region more than elsewhere; ")


def test_a_region_is_named_once_by_a_unit_of_the_answer():
    others = [unit("23", seen=3.1, listed=False), unit("24", seen=3.1), unit("15", seen=2.0, listed=False)]
    text = sentence("anger", 0.6, [*others, unit("26", seen=2.5, listed=False)])
    assert "looks at the lips (AU24, 3.1 times a flat map) and the mouth and the jaw (AU26, 2.5)" in text


def test_of_the_regions_of_one_place_the_one_that_is_seen_most_is_named():
    text = sentence("happiness", 0.6, [unit("23", seen=3.7, listed=False), unit("25", seen=3.3), unit("6", seen=3.5)])
    assert "looks at the lips (AU23, 3.7 times a flat map) and the cheeks (AU6, 3.5);" in text


def test_of_units_with_one_region_the_first_is_named():
    text = sentence("happiness", 0.6, [unit("23", listed=False), unit("24", listed=False), unit("27", listed=False)])
    assert "looks at the lips (AU23, 3.1 times a flat map);" in text


def test_units_without_everyday_words_have_their_own_name():
    assert Unit("13", "Sharp Lip Puller", 1, 0, 0, "").place == "the region of sharp lip puller"
    assert unit("14R").place == PLACES[14]


def test_no_sentence_claims_that_a_muscle_moved():
    for words in (*PLACES.values(), sentence("anger", 0.4, [unit()])):
        assert not any(claim in words for claim in ("raise", "pull", "move", "tighten", "active"))
