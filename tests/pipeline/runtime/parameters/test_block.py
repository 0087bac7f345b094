"""Former names of parameters: they are read for one more version, with a line on stderr that gives the present name."""

import pytest
from ruamel.yaml import YAML

from pipeline.runtime import parameters
from pipeline.runtime.errors import InputError

RENAMED = {
    "detect.sides": "detect.search_sizes",
    "detect.mmod_sides": "detect.mmod_search_sizes",
    "landmarks.looks": "landmarks.max_refinements",
    "train.memory": "train.cache_megabytes",
    "train.clip": "train.max_grad_norm",
    "train.augment.scale": "train.augment.min_crop_area",
    "train.augment.flip": "train.augment.flip_probability",
    "train.augment.jitter": "train.augment.jitter_probability",
    "train.augment.grey": "train.augment.grey_probability",
    "train.augment.erase": "train.augment.erase_probability",
    "report.faces": "report.gallery_size",
}


@pytest.fixture
def former(small_reference):
    """The file of the version before the renames."""
    return small_reference / "params_before_renames.yaml"


@pytest.fixture
def write(tmp_path):
    """Write a params.yaml with changes: dotted names to values."""

    def write(source, changes):
        yaml = YAML()
        content = yaml.load(source.read_text())
        for name, value in changes.items():
            *blocks, key = name.split(".")
            block = content
            for part in blocks:
                block = block[part]
            block[key] = value
        path = tmp_path / "params.yaml"
        with path.open("w") as stream:
            yaml.dump(content, stream)
        return path

    return write


def at(values, name):
    for part in name.split("."):
        values = values[part]
    return values


def test_the_former_file_means_the_same_as_the_present_one(former, params):
    assert parameters.load(former) == params


def test_each_former_name_is_reported_with_the_present_one(former, capsys):
    parameters.load(former)
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    for name, present in RENAMED.items():
        changed = " (and has the value 3)" if name == "landmarks.looks" else ""
        line = f"WARNING: {former}: {name} is now called {present}{changed}: rename it (the next version will refuse {name})"
        assert lines.count(line) == 1, name
    assert f"WARNING: {former}: ingest.root pipeline/datasets/demo is now pipeline/ingest/demo: change it" in lines
    assert len(lines) == len(RENAMED) + 1


def test_the_present_file_is_read_in_silence(params_path, capsys):
    parameters.load(params_path)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detect.sides", [64, 100]),
        ("detect.mmod_sides", [256]),
        ("train.memory", 7),
        ("train.clip", 0.5),
        ("train.augment.scale", 0.3),
        ("train.augment.flip", 0.1),
        ("train.augment.jitter", 0.2),
        ("train.augment.grey", 0.3),
        ("train.augment.erase", 0.4),
        ("report.faces", 3),
    ],
)
def test_a_value_under_a_former_name_is_read(former, write, name, value):
    dumped = parameters.load(write(former, {name: value})).model_dump(mode="json", by_alias=True)
    assert at(dumped, RENAMED[name]) == value


@pytest.mark.parametrize(("looks", "refinements"), [(1, 0), (4, 3), (16, 15)])
def test_the_first_of_so_many_looks_is_no_refinement(former, write, looks, refinements):
    assert parameters.load(write(former, {"landmarks.looks": looks})).landmarks.max_refinements == refinements


@pytest.mark.parametrize("looks", [0, 17, "4", True])
def test_a_wrong_value_under_a_former_name_is_refused(former, write, looks):
    with pytest.raises(InputError, match=r"landmarks\.max_refinements is "):
        parameters.load(write(former, {"landmarks.looks": looks}))


@pytest.mark.parametrize(("name", "present"), RENAMED.items())
def test_both_names_at_once_are_refused(params_path, params, write, name, present):
    value = at(params.model_dump(mode="json", by_alias=True), present)
    old, new = name.split(".")[-1], present.split(".")[-1]
    with pytest.raises(InputError, match=f"{old} is the former name of {new}, which is also given: remove {old}") as caught:
        parameters.load(write(params_path, {name: value}))
    assert "\n" not in str(caught.value)
    assert name.rpartition(".")[0] in str(caught.value)


def test_a_root_of_ones_own_stays(former, write, capsys):
    path = write(former, {"ingest.root": "my/photos"})
    assert parameters.load(path).ingest.root == "my/photos"
    assert "ingest.root" not in capsys.readouterr().err
