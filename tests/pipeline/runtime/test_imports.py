import gc
import sys

import pytest

from pipeline.runtime.imports import importing


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
