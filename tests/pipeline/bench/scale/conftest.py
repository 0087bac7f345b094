import pytest

from pipeline.bench.scale.dataset import write_dataset
from pipeline.bench.scale.source_faces import read_source_faces


@pytest.fixture(scope="session")
def sources(dataset):
    return read_source_faces(dataset.faces)


@pytest.fixture
def folder(sources, params, tmp_path, monkeypatch):
    """A dataset of 120 rows, in which commands run."""
    write_dataset(tmp_path / "set", 120, sources, params)
    monkeypatch.chdir(tmp_path / "set")
    return tmp_path / "set"
