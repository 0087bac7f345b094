import json
import shutil

import pytest

from train.explain.outputs.figures import Figures, find_figures
from train.models import checkpoint as checkpoints


@pytest.fixture(scope="module")
def run(checkpoint):
    return checkpoints.load_config(checkpoint).run


def test_the_figures_are_those_of_the_classifiers_own_evaluation(evaluated, run):
    folder = evaluated / "evaluation" / "guided"
    metrics = json.loads((folder / "metrics.json").read_text())
    found = find_figures(folder, run)
    assert (found.accuracy, found.ece, found.att_cos) == (metrics["accuracy"], metrics["ece"], metrics["att_cos"])
    assert found.needed == metrics["needed"]


def test_an_evaluation_of_another_classifier_tells_nothing(evaluated, run, tmp_path):
    assert find_figures(evaluated / "evaluation" / "baseline", run) is None
    assert find_figures(tmp_path, run) is None
    shutil.copytree(evaluated / "evaluation" / "guided", tmp_path / "old")
    details = json.loads((tmp_path / "old" / "details.json").read_text())
    del details["controls"]
    (tmp_path / "old" / "details.json").write_text(json.dumps(details))
    assert find_figures(tmp_path / "old", run) is None


@pytest.mark.parametrize(
    ("figures", "words", "little"),
    [
        (Figures(1357, 0.65, 0.09, 0.81, 0.74, 0.01), "by 0.010 (0: on all regions alike).", True),
        (Figures(1357, 0.65, 0.09, 0.81, 0.74, None), "where one constant map has 0.74.", False),
        (Figures(1357, 0.65, 0.09, None, None, None), "are off by 0.090 on average (expected calibration error).", False),
    ],
)
def test_figures_are_told_as_far_as_they_were_measured(figures, words, little):
    assert figures.in_words().startswith("On its 1,357 test faces this classifier is right for 65.0 %, ")
    assert figures.in_words().endswith(words)
    assert figures.leans_little == little
