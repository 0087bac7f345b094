import pytest

from pipeline.runtime.user_paths import expand


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/users/anna")
    monkeypatch.setenv("USERPROFILE", "/users/anna")
    monkeypatch.setenv("SETS", "/data/sets")


@pytest.mark.parametrize(
    ("path", "written_out"),
    [
        *(("~/faces", "/users/anna/faces"), ("~", "/users/anna"), ("$HOME/faces", "/users/anna/faces")),
        *(("${SETS}/rafdb", "/data/sets/rafdb"), ("$SETS", "/data/sets"), ("a/~/b", "a/~/b"), ("a~", "a~")),
        *(("data/faces", "data/faces"), ("/abs", "/abs"), ("$NOT_SET_HERE/a", "$NOT_SET_HERE/a"), ("", "")),
    ],
)
def test_home_and_variables_are_written_out(path, written_out):
    assert expand(path) == written_out
