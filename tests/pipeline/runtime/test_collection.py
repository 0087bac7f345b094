import gc

import pytest

from pipeline.faces import manifest, tables
from pipeline.faces.manifest import Photo
from pipeline.runtime.collection import many_rows


def test_nothing_is_searched_in_the_block_and_everything_after_it():
    with many_rows():
        assert not gc.isenabled()
        with many_rows():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_ends_the_block():
    with pytest.raises(KeyError), many_rows():
        raise KeyError
    assert gc.isenabled()


def test_reading_a_table_searches_for_garbage_once_at_most(tmp_path, monkeypatch):
    tables.write_table(
        tmp_path / "m.csv", Photo, [Photo(str(number), "a.png", "fear", "train", "") for number in range(5000)]
    )
    searches = []
    gc.callbacks.append(lambda phase, _: searches.append(phase))
    try:
        assert len(manifest.read(tmp_path / "m.csv")) == 5000
    finally:
        gc.callbacks.pop()
    assert searches.count("start") <= 1  # after the rows are read; as many as one for 700 rows otherwise
