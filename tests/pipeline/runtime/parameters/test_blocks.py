import re

import pytest
from ruamel.yaml import YAML

from pipeline.runtime import parameters
from pipeline.runtime.errors import InputError


@pytest.fixture
def changed(params_path, tmp_path):
    """Write params.yaml with changes: dotted names to values; ``...`` removes one."""

    def change(changes):
        yaml = YAML()
        content = yaml.load(params_path.read_text())
        for name, value in changes.items():
            *blocks, key = name.split(".")
            block = content
            for part in blocks:
                block = block[part]
            if value is ...:
                del block[key]
            else:
                block[key] = value
        path = tmp_path / "params.yaml"
        with path.open("w") as stream:
            yaml.dump(content, stream)
        return path

    return change


def refused(path, match):
    with pytest.raises(InputError, match=match) as caught:
        parameters.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_shipped_file_is_valid_and_every_value_has_a_comment(params_path, params):
    assert params.ingest.labels == ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    assert params.train.lambda_ == 2.0
    values = re.findall(r"^ +\w+: +\S.*$", params_path.read_text(), re.MULTILINE)
    commented = [line for line in values if "#" in line]
    assert len(values) > 30
    assert len(commented) > 0.6 * len(values)


def test_values_are_frozen(params):
    with pytest.raises(ValueError, match="frozen"):
        params.base.seed = 1


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"base.sed": 1}, "base.sed is not a known name: remove it or fix its spelling"),
        ({"extra": {}}, "extra is not a known name"),
        (
            {"train.align": ["attention", "head"]},
            r"train.align .*: must be a list of attention, cam and evidence, or",
        ),
        ({"train.align": "attention"}, r"train.align .*: must be a list of attention, cam and evidence, or"),
        (
            {"train.align": ["cam", "cam"]},
            r"train.align .*: must be a list of attention, cam and evidence, or",
        ),
        ({"train.method": "camm"}, "train.method is 'camm': "),
        ({"train.cam_lambda": -1.0}, "train.cam_lambda is -1.0: "),
        ({"train.backbone": "resnet50"}, "train.backbone is 'resnet50': must be dlib_resnet or hf:NAME"),
        ({"train.backbone": "hf:"}, "train.backbone is 'hf:': must be dlib_resnet or hf:NAME"),
        ({"train.workers": "many"}, "train.workers"),
        ({"train.augment.blur": 1}, "train.augment.blur is not a known name"),
        ({"base.seed": ...}, "base.seed is missing: add it"),
        ({"heatmaps": ...}, "heatmaps is missing: add it"),
        ({"train.lambda": ...}, "train.lambda is missing"),
        ({"base.seed": "0"}, "base.seed is '0'"),
        ({"base.seed": 0.5}, "base.seed is 0.5"),
        ({"base.seed": True}, "base.seed is True"),
        ({"base.seed": -1}, "base.seed is -1"),
        ({"base.seed": 2**32}, "base.seed is 4294967296"),
        ({"base.shard_size": 0}, "base.shard_size is 0"),
        ({"base.workers": 0}, "base.workers.* is 0"),
        ({"base.workers": "all"}, "base.workers.* is 'all'"),
        ({"ingest.dataset": "imagenet"}, "ingest.dataset is 'imagenet': input should be 'demo'"),
        ({"ingest.labels": ["anger"]}, "ingest.labels is .*at least 2"),
        ({"ingest.labels": "anger"}, "ingest.labels is 'anger'"),
        ({"ingest.validation_fraction": 1.0}, "ingest.validation_fraction is 1.0"),
        ({"ingest.test_fraction": -0.1}, "ingest.test_fraction is -0.1"),
        ({"ingest.test_fraction": float("nan")}, "ingest.test_fraction is nan"),
        ({"ingest.images_per_class": 51}, "ingest.images_per_class is 51"),
        ({"detect.search_sizes": []}, "detect.search_sizes is"),
        ({"detect.search_sizes": [256, 32]}, "detect.search_sizes.1 is 32"),
        ({"detect.padding": float("inf")}, "detect.padding is inf"),
        ({"detect.detector": "haar"}, "detect.detector is 'haar': input should be 'hog'"),
        ({"detect.mmod_search_sizes": []}, "detect.mmod_search_sizes is"),
        ({"detect.mmod_search_sizes": [5000]}, "detect.mmod_search_sizes.0 is 5000"),
        ({"detect.on_multiple": "all"}, "detect.on_multiple is 'all': input should be 'largest'"),
        ({"detect.fallback": None}, "detect.fallback is None"),
        ({"detect.fallback": "crop"}, "detect.fallback is 'crop': input should be 'image' or 'none'"),
        ({"landmarks.crop_size": 63}, "landmarks.crop_size is 63"),
        ({"landmarks.jpeg_quality": 101}, "landmarks.jpeg_quality is 101"),
        ({"landmarks.predictor": 5}, "landmarks.predictor is 5"),
        ({"heatmaps.size": 2000}, "heatmaps.size is 2000"),
        ({"heatmaps.size": 3}, "heatmaps.size is 3"),
        ({"train.layers": [0]}, r"train.layers is \[0\]: must be"),
        ({"train.layers": [6]}, r"train.layers is \[6\]: must be"),
        ({"train.lambda": -1.0}, "train.lambda is -1.0"),
        ({"train.lambda": float("nan")}, "train.lambda is nan"),
        ({"train.learning_rate": float("inf")}, "train.learning_rate is inf"),
        ({"train.learning_rate": 0.0}, "train.learning_rate is 0.0"),
        ({"train.large_maps": "yes"}, "train.large_maps is 'yes'"),
        ({"train.augment.min_crop_area": 0.0}, "train.augment.min_crop_area is 0.0"),
        ({"base": 3}, "base is 3"),
        ({"base": None}, "base is None"),
    ],
)
def test_bad_value_is_named(changed, changes, match):
    refused(changed(changes), match)


@pytest.mark.parametrize(
    "changes",
    [
        {"base.workers": 3},
        {"base.seed": 2**32 - 1},
        {"landmarks.predictor": "my.dat"},
        {"train.lambda": 0},
        {"report.gallery_size": 0},
    ],
)
def test_values_at_the_limits_are_accepted(changed, changes):
    parameters.load(changed(changes))


def test_all_mistakes_are_in_one_line(changed):
    text = refused(changed({"base.seed": -1, "detect.pading": 0.3, "train.epochs": ..., "heatmaps.size": "28"}), "base.seed")
    for part in ("base.seed is -1", "detect.pading is not a known name", "train.epochs is missing", "heatmaps.size is '28'"):
        assert part in text
    assert text.count("; ") == 3


def test_one_mistake_is_told_once(changed):
    text = refused(changed({"base.workers": 0}), "base.workers")
    assert "literal" not in text
    assert text.count("base.workers") == 1


def test_label_named_twice_is_refused(changed):
    refused(changed({"ingest.labels": ["anger", "fear", "anger"]}), "ingest.labels")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("base:\n  seed: 0\n  seed: 1\n", 'line 3: found duplicate key "seed"'),
        ("base: {seed: 0\n", "line 2: "),
        ("base:\n\tseed: 0\n", "line 2: "),
        ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("a: *unknown\n", "undefined alias"),
        ("- base\n", "must hold a mapping of names to values, not list"),
        ("words\n", "not str"),
        ("", "not NoneType"),
    ],
)
def test_broken_yaml_is_named(tmp_path, text, match):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    refused(path, match)


def test_unreadable_file_is_named(tmp_path):
    refused(
        tmp_path / "none.yaml",
        "none.yaml does not exist: run this in the folder of the project, or name the file with --params",
    )
    refused(tmp_path, "Is a directory")
    binary = tmp_path / "params.yaml"
    binary.write_bytes(b"base: \xff\xfe")
    refused(binary, "not UTF-8 text")


def test_paths_are_written_out(changed, monkeypatch):
    monkeypatch.setenv("HOME", "/users/anna")
    monkeypatch.setenv("USERPROFILE", "/users/anna")
    params = parameters.load(
        changed(
            {
                "ingest.root": "~/faces",
                "landmarks.predictor": "$HOME/predictor.dat",
                "heatmaps.codebook": "~/mine.yaml",
                "train.backbone": "hf:~/resnet",
            }
        )
    )
    assert params.ingest.root == "/users/anna/faces"
    assert params.landmarks.predictor == "/users/anna/predictor.dat"
    assert params.heatmaps.codebook == "/users/anna/mine.yaml"
    assert params.train.backbone == "hf:/users/anna/resnet"


@pytest.mark.parametrize("rename", [..., {}, None])
def test_rename_may_be_left_out(changed, rename):
    assert parameters.load(changed({"ingest.rename": rename})).ingest.rename == {}


def test_rename_takes_numbers(changed):
    rename = {"angry": "anger", 7: "neutral", 1.5: "fear", "contempt": None}
    loaded = parameters.load(changed({"ingest.rename": rename})).ingest.rename
    assert loaded == {"angry": "anger", "7": "neutral", "1.5": "fear", "contempt": None}


@pytest.mark.parametrize(
    ("rename", "match"),
    [
        (["angry"], "ingest.rename is .*: must be a mapping of names to values"),
        ({"angry": ["anger"]}, "ingest.rename.angry is"),
    ],
)
def test_rename_is_a_mapping(changed, rename, match):
    refused(changed({"ingest.rename": rename}), match)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("train.epoch", "train.epochs"),
        ("train.Epochs", "train.epochs"),
        ("train.lamda", "train.lambda"),
        ("train.augment.rotations", "train.augment.rotation"),
        ("train.rotation", "train.augment.rotation"),  # in another block
        ("base.epochs", "train.epochs"),
        ("ingest.label", "ingest.labels"),
        ("detect.search_size", "detect.search_sizes"),
        ("evalute", "evaluate"),
    ],
)
def test_a_misspelt_parameter_is_guessed(changed, name, meant):
    refused(changed({name: 1}), rf"{name} is not a known name: remove it or fix its spelling \(did you mean {meant}\?\)")


def test_a_name_like_no_other_is_not_guessed(changed):
    assert "did you mean" not in refused(changed({"train.xyz": 1}), "train.xyz is not a known name")


def test_a_file_of_an_earlier_version_has_the_behaviour_of_that_version(changed):
    assert parameters.load(changed({"evaluate.untrained_labels": ...})).evaluate.untrained_labels == "refuse"
