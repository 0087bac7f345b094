import logging
import warnings

import pytest

from pipeline.runtime.quiet import quiet_libraries


def complain():
    logging.getLogger("library").critical("noise")
    warnings.warn("noise", stacklevel=1)
    raise ValueError("passes")


def test_libraries_are_silent_in_the_block_alone(caplog, recwarn):
    with pytest.raises(ValueError, match="passes"), quiet_libraries():
        complain()
    assert not caplog.records
    assert not recwarn.list
    logging.getLogger("library").critical("heard")
    assert [record.message for record in caplog.records] == ["heard"]
