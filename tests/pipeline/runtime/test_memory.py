import sys
from pathlib import Path

import pytest

from pipeline.runtime.memory import release_free_memory


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
