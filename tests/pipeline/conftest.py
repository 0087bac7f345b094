"""Fixtures for what runs the command, and for what draws heatmaps."""

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline import codebook as codebooks
from pipeline.cli import aucue


@pytest.fixture(scope="session")
def book():
    return codebooks.load("belharbi2024")


@pytest.fixture(scope="session")
def golden(small_reference):
    return dict(np.load(small_reference / "heatmaps.npz"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `aucue ...` in an empty folder; returns the exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(aucue, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def write_params(params_path, tmp_path):
    """params.yaml with pieces of its lines replaced."""

    def write(*changes):
        text = params_path.read_text()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (tmp_path / "params.yaml").write_text(text)

    return write
