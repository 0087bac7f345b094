import shutil

import pytest
from click.testing import CliRunner

from pipeline.cli import aucue
from pipeline.runtime import parameters
from pipeline.runtime.errors import InputError
from train.presets import preset


@pytest.fixture
def copy(params_path, tmp_path):
    return shutil.copy(params_path, tmp_path / "params.yaml")


def test_paper_resnet50_is_the_papers_recipe(copy, params):
    preset.main("paper_resnet50", copy)
    train = parameters.load(copy).train
    assert (train.backbone, train.large_maps, train.input_size) == ("hf:microsoft/resnet-50", True, 224)
    assert (train.align, train.layers, train.lambda_) == (("attention",), (5,), 4.0)
    assert (train.optimizer, train.momentum, train.weight_decay) == ("sgd", 0.9, 5e-4)
    assert train.learning_rate == train.head_learning_rate == 2e-3
    assert (train.batch_size, train.epochs, train.amp) == (224, 20, True)
    assert (train.schedule, train.step_epochs, train.step_factor) == ("step", 4, 0.9)
    assert train.augment.model_dump() == {
        "rotation": 6.0,
        "min_crop_area": 0.8,
        "flip_probability": 0.5,
        "jitter_probability": 0.8,
        "grey_probability": 0.2,
        "erase_probability": 0.5,
    }
    assert train.method == params.train.method
    assert parameters.load(copy).model_copy(update={"train": params.train}) == params


def test_only_the_lines_of_changed_values_change(copy, params_path):
    changes = preset.main("paper_resnet50", copy)
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (params_path, copy))
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == len(changes)
    for old, new in changed:
        assert old.split(":")[0] == new.split(":")[0]
        assert old.partition(" #")[2].strip() == new.partition(" #")[2].strip()
    assert "train.epochs: 18 -> 20" in changes
    assert "train.learning_rate: 5e-05 -> 0.002" in changes
    assert "train.augment.erase_probability: 0.25 -> 0.5" in changes


def test_a_second_time_changes_nothing(copy):
    preset.main("paper_resnet50", copy)
    before = copy.read_bytes()
    assert preset.main("paper_resnet50", copy) == []
    assert copy.read_bytes() == before


def test_what_does_not_fit_is_not_written(copy, tmp_path):
    with pytest.raises(InputError, match="there is no preset 'paper': use one of paper_resnet50"):
        preset.main("paper", copy)
    copy.write_text(copy.read_text().replace("patience: 0 ", "patience: soon ").replace("  method: cam ", "  methods: cam "))
    before = copy.read_bytes()
    with pytest.raises(InputError, match=r"train\.methods is not a known name") as caught:
        preset.main("paper_resnet50", copy)
    assert "\n" not in str(caught.value)
    assert copy.read_bytes() == before
    copy.write_text("base: {seed: 0}\n")
    with pytest.raises(InputError, match="has no block train"):
        preset.main("paper_resnet50", copy)
    with pytest.raises(InputError, match="cannot read"):
        preset.main("paper_resnet50", tmp_path / "none.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize("name", preset.names())
def test_every_preset_fits_params(name, copy):
    assert preset.main(name, copy)
    parameters.load(copy)


def test_command(copy):
    result = CliRunner().invoke(aucue, ["preset", "paper_resnet50", "--params", str(copy)])
    assert result.exit_code == 0
    assert "train.backbone: dlib_resnet -> hf:microsoft/resnet-50\n" in result.output
    assert result.output.endswith(f"wrote {copy}\n")
    result = CliRunner().invoke(aucue, ["preset", "none", "--params", str(copy)])
    assert (result.exit_code, result.output) == (1, "Error: there is no preset 'none': use one of paper_resnet50\n")


def test_a_params_file_with_former_names_gets_the_present_ones(params_path, tmp_path):
    former = params_path.parent / "tests" / "reference" / "params_before_renames.yaml"
    path = tmp_path / "params.yaml"
    path.write_text(former.read_text(encoding="utf-8").replace("  clip: 0.0", "  clip: 3.0"), encoding="utf-8")
    changes = preset.main("paper_resnet50", path)
    assert "train.clip is called train.max_grad_norm now" in changes
    assert "train.augment.erase is called train.augment.erase_probability now" in changes
    assert "train.max_grad_norm: 3 -> 0" in changes
    text = path.read_text(encoding="utf-8")
    assert "clip:" not in text
    assert "# megabytes of training crops" in text  # comments stay
    assert parameters.load(path).train.augment.erase_probability == 0.5
