import gc
import sys

import pytest

from pipeline.faces import manifest, tables
from pipeline.faces.manifest import Photo
from pipeline.runtime.garbage import importing, many_rows


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


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "large_module.py").write_text("import gc\nIS_ENABLED = gc.isenabled()\n")
    yield "large_module"
    sys.modules.pop("large_module", None)
    gc.unfreeze()


def test_no_garbage_is_looked_for_while_modules_are_imported_nor_in_them_later(module):
    gc.unfreeze()
    with importing():
        imported = __import__(module)
    assert not imported.IS_ENABLED
    assert gc.isenabled()
    assert gc.get_freeze_count()


def test_nothing_is_kept_if_the_modules_are_there_already():
    gc.unfreeze()
    with importing():
        import json  # noqa: F401
    assert not gc.get_freeze_count()


def test_the_collector_goes_on_after_an_error():
    with pytest.raises(ImportError), importing():
        import no_such_module  # noqa: F401
    assert gc.isenabled()
