import gc
import sys
from pathlib import Path

import pytest

from pipeline.runtime.memory import importing, release_free_memory


def resident_megabytes():
    """Memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc_trim")
def test_memory_below_a_block_in_use_is_given_back():
    blocks = [bytes([1]) * 60_000 for _ in range(3000)]  # small enough to lie in the heap, one above another
    del blocks[:-1]
    before = resident_megabytes()
    release_free_memory()
    assert resident_megabytes() < before - 100
    assert len(blocks) == 1


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
