import json
import re

import pytest

from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.cache import json_digest
from train.tables.evaluated_runs import RunConfig, config_of, find_runs, group_runs

PARAMS = {"method": "cam", "align": ["attention"], "layers": [5], "lambda": 6.0, "cam_lambda": 2.0, "epochs": 14}
NETWORK = {"config": {"depths": [2]}}


def write(
    folder, seed=0, metrics=None, faces=None, heatmaps=None, dataset=None, classes=(), network=None, splits="", **params
):
    folder.mkdir(parents=True)
    trained = {"train": {**PARAMS, **params}, "seed": seed, "faces": faces or {}, "heatmaps": heatmaps or {}}
    trained |= {"classes": classes, "backbone": network or {}}
    details = {"trained": trained, "dataset": {"photos": 1234, "sha256": dataset or "abcdef012345", "splits_sha256": splits}}
    (folder / "details.json").write_text(json.dumps(details))
    (folder / "metrics.json").write_text(json.dumps(metrics or {"accuracy": 0.5}))
    return folder


def test_runs_are_found_at_any_depth_once(tmp_path):
    folders = [write(tmp_path / name) for name in ("a", "b/c/d")]
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "details.json").write_text("{}")  # no evaluation: it has no metrics
    assert [run.place for run in find_runs([tmp_path, tmp_path / "b", tmp_path / "a"])] == [
        str(folder) for folder in folders
    ]


def test_links_to_runs_are_followed_and_end(tmp_path):
    runs = [write(tmp_path / name) for name in ("other_disk/a", "runs/b")]
    try:
        (tmp_path / "runs" / "linked").symlink_to(tmp_path / "other_disk", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    (tmp_path / "runs" / "back").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "runs" / "b" / "back").symlink_to("..", target_is_directory=True)
    assert [run.place for run in find_runs([tmp_path / "runs"])] == [str(folder) for folder in runs]


def test_no_run_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"there is no evaluated run under .*: run `aucue evaluate`, or name a folder"):
        find_runs([tmp_path, tmp_path / "nowhere"])


@pytest.mark.parametrize("content", ["[]", "{", '{"trained": {}}', '{"trained": {"train": {}, "seed": 0}}'])
def test_damaged_run_is_named(tmp_path, content):
    (write(tmp_path / "a") / "details.json").write_text(content)
    with pytest.raises(InputError, match=r"a cannot be read .*: run `aucue evaluate` again"):
        find_runs([tmp_path])


def test_a_config_is_what_has_an_effect():
    assert config_of(PARAMS) == RunConfig("cam", ("attention",), (5,), 6.0, 0.0)
    assert config_of({**PARAMS, "align": ["cam", "attention"], "layers": [5, 4]}) == RunConfig(
        "cam", ("attention", "cam"), (4, 5), 6.0, 2.0
    )
    assert config_of({**PARAMS, "align": ["cam"]}) == RunConfig("cam", ("cam",), (), 0.0, 2.0)
    unguided = RunConfig("cam")
    assert not unguided.guided
    assert config_of({**PARAMS, "align": []}) == config_of({**PARAMS, "lambda": 0.0}) == unguided


def test_groups_have_one_run_per_seed(tmp_path):
    write(tmp_path / "a", seed=1)
    write(tmp_path / "b", seed=0)
    write(tmp_path / "c", align=[])
    write(tmp_path / "d", align=[], layers=[4])  # the same training
    groups, notes = group_runs(find_runs([tmp_path]))
    assert [[run.seed for run in runs] for runs in groups.values()] == [[0], [0, 1]]
    assert notes == []


def test_what_does_not_go_together_is_said(tmp_path):
    write(tmp_path / "a", splits="1")
    write(tmp_path / "b", metrics={"accuracy": 0.6}, splits="2")
    write(tmp_path / "c", method="prm", align=[], splits="1")
    groups, notes = group_runs(find_runs([tmp_path]))
    assert [len(runs) for runs in groups.values()] == [1, 1]
    assert any("b is left out" in note and "other figures" in note for note in notes)
    places = f"{tmp_path / 'a'}; {tmp_path / 'b'}"
    assert f"runs of seed 0 have other splits or detections of the same photos: they cannot be compared ({places})" in notes
    assert any(note.startswith("cam has no run without guidance") for note in notes)
    assert any(note.startswith("prm has no guided run") for note in notes)


def test_other_detections_make_other_faces(tmp_path):
    write(tmp_path / "a", splits="1", faces={"detections_sha256": "2"})
    write(tmp_path / "b", splits="1", align=[], faces={"detections_sha256": "3"})
    _, (note,) = group_runs(find_runs([tmp_path]))
    assert note.startswith("runs of seed 0 have other splits or detections of the same photos: they cannot be compared")


def test_the_same_photos_elsewhere_are_the_same_faces(tmp_path):
    write(tmp_path / "a", splits="1", faces={"manifest_sha256": "1", "detections_sha256": "2"})
    write(tmp_path / "b", splits="1", align=[], faces={"manifest_sha256": "2", "detections_sha256": "2"})
    assert group_runs(find_runs([tmp_path]))[1] == []


@pytest.mark.parametrize(
    ("change", "otherwise"),
    [
        ({"epochs": 4}, {"epochs 14", "epochs 4"}),
        ({"backbone": "hf:resnet"}, {"backbone None", "backbone hf:resnet"}),
        ({"dataset": "123456789"}, {"dataset 1,234 photos abcdef", "dataset 1,234 photos 123456"}),
        ({"augment": {"erase_probability": 0.5}}, {"augment.erase_probability None", "augment.erase_probability 0.5"}),
        ({"classes": ["fear", "pain"]}, {"classes ", "classes fear pain"}),
        ({"network": NETWORK}, {"backbone None", f"backbone None {json_digest(NETWORK)[:6]}"}),
        ({"faces": {"crop_size": 99}}, {"faces.crop_size None", "faces.crop_size 99"}),
        ({"heatmaps": {"codebook": "mine", "codebook_sha256": "987654321"}}, {"codebook ", "codebook mine 987654"}),
    ],
)
def test_what_decides_the_figures_sets_runs_apart(tmp_path, change, otherwise):
    write(tmp_path / "a")
    write(tmp_path / "b", align=[])
    write(tmp_path / "c", **change)
    write(tmp_path / "d", align=[], **change)
    write(tmp_path / "e", seed=1, **change)
    groups, notes = group_runs(find_runs([tmp_path]))
    assert {config.otherwise for config in groups} == otherwise
    assert sorted(len(runs) for runs in groups.values()) == [1, 1, 1, 2]
    assert len(notes) == 1
    assert re.fullmatch(r"the runs differ in [a-z._]+ too: those that do are rows of their own", notes[0])
    assert {config.unguided for config in groups if config.guided} == {s for s in groups if not s.guided}


def test_seeds_may_split_the_faces_otherwise_and_what_changes_the_time_alone_does_not_matter(tmp_path):
    write(tmp_path / "a", splits="1")
    write(tmp_path / "b", seed=1, splits="2", heatmaps={"faces_sha256": 2})
    write(tmp_path / "c", align=[], splits="1", workers=3, device="cuda")
    groups, notes = group_runs(find_runs([tmp_path]))
    assert (len(groups), notes) == (2, [])


def test_former_names_of_parameters_set_no_run_apart(tmp_path):
    former = {"memory": 1000, "clip": 2.0, "augment": {"scale": 0.8, "erase": 0.25}}
    present = {
        "cache_megabytes": 500,  # without effect
        "max_grad_norm": 2.0,
        "augment": {"min_crop_area": 0.8, "erase_probability": 0.25},
    }
    write(tmp_path / "a", **former)
    write(tmp_path / "b", align=[], **present)
    write(tmp_path / "c", seed=1, **present)
    groups, notes = group_runs(find_runs([tmp_path]))
    assert (sorted(len(runs) for runs in groups.values()), notes) == ([1, 2], [])
    write(tmp_path / "d", seed=2, **{**former, "clip": 3.0})
    notes = group_runs(find_runs([tmp_path]))[1]
    assert notes[0] == "the runs differ in max_grad_norm too: those that do are rows of their own"
