import pytest

from train.models.guidance import Guidance


@pytest.mark.parametrize(
    ("align", "weights", "expected"),
    [
        (("attention", "cam"), (2.0, 1.0), Guidance(2.0, 1.0, (3, 5))),
        (("attention",), (2.0, 1.0), Guidance(2.0, 0.0, (3, 5))),
        (("cam",), (2.0, 1.0), Guidance(0.0, 1.0, ())),
        ((), (2.0, 1.0), Guidance(0.0, 0.0, ())),
        (("attention", "cam"), (0.0, 1.0), Guidance(0.0, 1.0, ())),
        (("attention", "cam"), (2.0, 0.0), Guidance(2.0, 0.0, (3, 5))),
        (("attention", "cam"), (0.0, 0.0), Guidance(0.0, 0.0, ())),
    ],
)
def test_guidance_needs_both_the_kind_and_a_weight(align, weights, expected):
    assert Guidance.of(align, *weights, layers=(5, 3)) == expected


@pytest.mark.parametrize(
    ("guidance", "is_guided", "align"),
    [
        (Guidance(2.0, 1.0, (5,)), True, ("attention", "cam")),
        (Guidance(2.0, 0.0, (5,)), True, ("attention",)),
        (Guidance(0.0, 1.0, ()), True, ("cam",)),
        (Guidance(0.0, 0.0, ()), False, ()),
    ],
)
def test_truth_and_kinds_follow_the_weights(guidance, is_guided, align):
    assert bool(guidance) is is_guided
    assert guidance.align == align


def test_guidance_of_the_train_block(params):
    assert Guidance.of_params(params.train) == Guidance(2.0, 1.0, (5,))
    assert not Guidance.of_params(params.train.unguided())
    assert params.train.unguided().model_copy(update={"align": params.train.align}) == params.train


def test_evidence_needs_its_name_and_a_share():
    assert Guidance.of(("evidence",), 2.0, 1.0, (5,), evidence=0.5) == Guidance(0.0, 0.0, (), 0.5)
    assert Guidance.of(("attention",), 2.0, 1.0, (5,), evidence=0.5).evidence == 0
    assert Guidance.of(("evidence", "cam"), 2.0, 1.0, (5,), evidence=0.5).align == ("cam", "evidence")
    assert not Guidance.of(("evidence",), 2.0, 1.0, (5,), evidence=0)
