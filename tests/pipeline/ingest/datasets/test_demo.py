from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np
import pytest

from pipeline import codebook
from pipeline.faces.manifest import SPLITS
from pipeline.ingest.datasets import DatasetSource, demo
from pipeline.runtime.errors import InputError


def test_portraits_exist_and_none_repeats(portraits):
    paths = [path for own in portraits.values() for path in own]
    assert len(set(paths)) == len(paths)
    assert all(path.is_file() for path in paths)
    assert max(map(len, portraits.values())) <= 5
    assert len(portraits) == 36
    assert next(iter(portraits)) == "s01"
    assert portraits["s07"][0].parent.name == "s7"


def test_expressions_are_those_of_the_codebook(expressions):
    """The demo's own table, so that another codebook can be tried on the same pictures; shipped, the two agree."""
    book = codebook.load("belharbi2024")
    assert {label: set(aus) for label, aus in expressions.items()} == {
        label: set(aus) for label, aus in book.expressions.items()
    }


def test_same_bytes_in_any_order_and_process(animations, movements, predictor, tmp_path):
    few = animations[::180]
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    alone = [demo.write(animation, folders[0], movements, predictor) for animation in few]
    work = partial(demo.write, folder=folders[1], movements=movements, predictor=predictor)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        pooled = list(pool.map(work, few[::-1]))[::-1]
    for one, two in zip(alone, pooled, strict=True):
        assert one.name == two.name
        assert one.read_bytes() == two.read_bytes()


def test_pictures_of_one_person_differ(animations, movements, predictor, tmp_path):
    resting = [animation for animation in animations if animation.label == "neutral"][:5]
    paths = [demo.write(animation, tmp_path, movements, predictor) for animation in resting]
    pictures = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
    for i, one in enumerate(pictures):
        assert one.ndim == 2
        assert all((one != other).mean() > 0.5 for other in pictures[:i])


def test_loaded_portraits_are_not_shared_with_their_pictures(animations, movements, predictor, tmp_path):
    """They are cached: a picture drawn on one would show in the next."""
    animation = animations[0]
    before = [part.copy() for part in demo.load_portrait(animation.portrait, predictor)]
    demo.write(animation, tmp_path, movements, predictor)
    for was, part in zip(before, demo.load_portrait(animation.portrait, predictor), strict=True):
        np.testing.assert_array_equal(part, was)


def small_source(demo_tables, tmp_path, labels):
    root = tmp_path / "root"
    root.mkdir()
    for table in demo_tables.glob("*.csv"):
        (root / table.name).write_bytes(table.read_bytes())
    people = [number for number in range(1, 41) if number not in (3, 5, 22, 39)][:13]
    (root / "portraits.csv").write_text("\n".join(["person,photo", *(f"{person},1" for person in people)]))
    return DatasetSource(root, tmp_path, labels, images_per_class=1, seed=0, workers=1)


def test_read_draws_the_wanted_labels_and_describes_them(demo_tables, tmp_path):
    photos = demo.read(small_source(demo_tables, tmp_path, labels=("anger", "neutral")))
    assert Counter(photo.label for photo in photos) == {"anger": 13, "neutral": 13}
    assert {photo.split for photo in photos} == set(SPLITS)
    for photo in photos:
        assert photo.id.startswith(photo.subject)
        assert cv2.imread(photo.path).shape[2] == 3
        for word in photo.aus.split():
            au, sides = word.split("=")
            assert 1 <= int(au) <= 46
            assert len([float(side) for side in sides.split("/")]) == 2


def test_bad_input_is_named(demo_tables, predictor, orl, tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_text("person,photo\n41,1\n")
    with pytest.raises(InputError, match=r"table.csv line 2 lists .*1.pgm, which does not exist: pip install"):
        demo.read_portraits(tmp_path / "table.csv", orl)
    (tmp_path / "table.csv").write_text("expression,aus\nanger,4 x\n")
    with pytest.raises(InputError, match=r"table\.csv line 2: invalid literal .*: write FACS numbers with spaces between"):
        demo.read_expressions(tmp_path / "table.csv")
    with pytest.raises(InputError, match=r"none\.pgm: No such file"):
        demo.load_portrait(tmp_path / "none.pgm", predictor)
    cv2.imwrite(str(tmp_path / "blank.pgm"), np.zeros((112, 92), np.uint8))
    with pytest.raises(
        InputError, match=r"no face found in .*blank\.pgm: remove the portrait from the table portraits\.csv"
    ):
        demo.load_portrait(tmp_path / "blank.pgm", predictor)
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install -c constraints.txt -e '\.\[demo\]'"):
        demo.orl_folder()


def test_label_without_an_animation_is_named(demo_tables, tmp_path):
    with pytest.raises(InputError, match="contempt"):
        demo.read(small_source(demo_tables, tmp_path, labels=("anger", "contempt")))
