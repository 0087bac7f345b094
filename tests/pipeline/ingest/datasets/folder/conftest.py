import pytest

from pipeline.ingest.datasets import DatasetSource, folder


@pytest.fixture
def source(tmp_path):
    (tmp_path / "root").mkdir()
    return DatasetSource(tmp_path / "root", tmp_path / "photos", ("anger", "fear"), 1, 0, 1)


@pytest.fixture
def write(source):
    def write(*files):
        for file in files:
            path = source.root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")

    return write


@pytest.fixture
def read(source, write):
    def read(*files):
        write(*files)
        return folder.read(source)

    return read
