import pytest

from pipeline.codebook import yaml_source
from pipeline.runtime.errors import InputError

TEXT = """# a comment
name: x
list:
  - one
  - {a: 1,
     b: 2}
again: &there
  deep: [1, 2,
         3]
alias: *there
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "file.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return yaml_source.read(path)

    return read


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 2),
        (("name",), 2),
        (("list",), 3),
        (("list", 0), 4),
        (("list", 1), 5),
        (("list", 1, "b"), 6),
        (("list", 1, "missing"), 5),
        (("again", "deep", 2), 9),
        (("again", "not in the file", "deep", 1), 8),
        (("missing",), 2),
        (("list", 99), 3),
        (("alias", "deep", 2), 9),
    ],
)
def test_line_of_a_place(read, location, line):
    assert read(TEXT).line(location) == line


def test_duplicates_are_found_at_every_depth(read):
    found = read("a: 1\nb:\n  c: 1\n  d: [{e: 1, e: 2}]\n  c: 2\na: 3\n").duplicates()
    assert sorted(line for line, _ in found) == [4, 5, 6]
    assert ("a is there twice, first in line 1: keep one") in [message for _, message in found]
    assert read(TEXT).duplicates() == []
    assert read("base: &b {x: 1}\none:\n  <<: *b\n  y: 1\n").duplicates() == []


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: [1", r"file.yaml line \d+: .*: fix the YAML"),
        ("a: 1\n\tb: 2", r"file.yaml line 2: .*fix the YAML"),
        ("- 1", "must hold a mapping"),
        ("", "must hold a mapping"),
        (b"\xff\xfe", "not UTF-8 text"),
        ("a: !!python/object/apply:os.system [ls]", "fix the YAML"),
        ("a: " + "x" * 1_000_001, "more than 1,000,000 characters"),
    ],
)
def test_what_is_no_codebook_is_refused_in_one_line(read, text, match):
    with pytest.raises(InputError, match=match) as caught:
        read(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keys", [("6", "06"), ("10", "0xa"), ("a", "'a'")])
def test_keys_that_mean_the_same_are_the_same(read, keys):
    ((line, message),) = read(f"top: 1\n{keys[0]}: 1\n{keys[1]}: 2\n").duplicates()
    assert line == 3
    assert "is there twice, first in line 2" in message


def test_aliases_of_aliases_are_refused_at_once(read):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 30)]
    with pytest.raises(InputError, match="more than 50,000 values with its aliases written out"):
        read("\n".join(lines))


@pytest.mark.parametrize("text", ["a: " + "[" * 3000, "a: &a [*a]", "a: " + "[" * 3000 + "]" * 3000])
def test_endless_nesting_is_one_line(read, text):
    with pytest.raises(InputError, match="nested too deeply|fix the YAML"):
        read(text)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*none\.yaml: No such file"):
        yaml_source.read(tmp_path / "none.yaml")
