import shutil

import pytest

from pipeline.runtime.errors import InputError
from train.report.training_curves import read_curves


@pytest.fixture
def trainings(evaluated, tmp_path):
    shutil.copytree(evaluated / "train", tmp_path / "train")
    return tmp_path / "train"


def test_there_is_no_curve_of_cosines_without_validation_faces_with_a_map(trainings):
    curves = read_curves(trainings)
    assert "ATT-COS (validation)" in curves
    assert all(set(lines) == {"baseline", "guided"} for lines in curves.values())
    assert all(len(values) == 1 for lines in curves.values() for values in lines.values())  # one epoch
    for curve in trainings.rglob("att_cos.tsv"):
        curve.unlink()
    assert list(read_curves(trainings)) == ["accuracy (validation)", "cross-entropy (validation)"]


def test_missing_and_damaged_curves_are_named_with_the_command(trainings):
    curve = next(trainings.rglob("validation/accuracy.tsv"))
    curve.write_text("step\taccuracy\n0\thigh\n")
    with pytest.raises(InputError, match=r"accuracy\.tsv cannot be read \(.*\): run `aucue train` for both variants again"):
        read_curves(trainings)
    curve.unlink()
    with pytest.raises(InputError, match=r"accuracy\.tsv does not exist: run `aucue train` for both variants"):
        read_curves(trainings)
