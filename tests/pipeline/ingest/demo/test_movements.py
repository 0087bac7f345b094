import numpy as np
import pytest

from pipeline.ingest.demo.movements import load_movements
from pipeline.runtime.errors import InputError

SHIFTS, FOLDS = "au,landmarks,dx,dy\n1,21,0,-0.1\n", "au,stroke,depth\n1,19 0 0; 20 0 0,0.1\n"


@pytest.mark.parametrize(
    ("shifts", "folds", "match"),
    [
        ("au,landmarks,dx,dy\n1,68,0,0.1\n", FOLDS, r"shifts.csv line 2 names landmarks \[68\]; use one or more of 0 to 67"),
        ("au,landmarks,dx,dy\n1,,0,0.1\n", FOLDS, "shifts.csv line 2: landmarks is empty"),
        ("au,landmarks,dx,dy\n1,21,0,up\n", FOLDS, "shifts.csv line 2: could not convert .*: write a number there"),
        ("au,landmarks,dx,dy\none,21,0,0\n", FOLDS, "shifts.csv line 2: invalid literal"),
        ("au,points\n1,21\n", FOLDS, "shifts.csv has no column landmarks, dx, dy"),
        (SHIFTS, "au,stroke,depth\n1,70 0 0; 20 0 0,0.1\n", r"folds.csv line 2 names landmarks \[70, 20\]"),
        (SHIFTS, "au,stroke,depth\n1,19 0; 20 0 0,0.1\n", "folds.csv line 2: not enough values .*: write 'landmark dx dy; "),
        (SHIFTS, "au,stroke,depth\n1,19 0 0; 20 0 0,dark\n", "folds.csv line 2: could not convert"),
    ],
)
def test_bad_table_is_named(tmp_path, shifts, folds, match):
    (tmp_path / "shifts.csv").write_text(shifts)
    (tmp_path / "folds.csv").write_text(folds)
    with pytest.raises(InputError, match=match):
        load_movements(tmp_path / "shifts.csv", tmp_path / "folds.csv")


def test_table_is_read_as_written(tmp_path):
    (tmp_path / "shifts.csv").write_text("au,landmarks,dx,dy\n1,21 22,0.1,-0.2\n1,22,0,-0.1\n")
    (tmp_path / "folds.csv").write_text(FOLDS)
    read = load_movements(tmp_path / "shifts.csv", tmp_path / "folds.csv")
    np.testing.assert_allclose(read.shifts[1][[20, 21, 22]], [[0, 0], [0.1, -0.2], [0.1, -0.3]])
    assert read.folds == {1: ((((19, 0, 0), (20, 0, 0)), 0.1),)}
