import json

import pytest

from pipeline.errors import InputError
from train.runs import Setting, find, grouped, setting_of

PARAMS = {"method": "cam", "align": ["attention"], "layers": [5], "lambda": 6.0, "cam_lambda": 2.0, "epochs": 14}


def write(folder, seed=0, metrics=None, faces=None, heatmaps=None, **params):
    folder.mkdir(parents=True)
    trained = {"train": {**PARAMS, **params}, "seed": seed, "faces": faces or {}, "heatmaps": heatmaps or {}}
    (folder / "details.json").write_text(json.dumps({"trained": trained}))
    (folder / "metrics.json").write_text(json.dumps(metrics or {"accuracy": 0.5}))
    return folder


def test_runs_are_found_at_any_depth_once(tmp_path):
    folders = [write(tmp_path / name) for name in ("a", "b/c/d")]
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "details.json").write_text("{}")  # no evaluation: it has no metrics
    assert [run.place for run in find([tmp_path, tmp_path / "b", tmp_path / "a"])] == [str(folder) for folder in folders]


def test_no_run_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there is no evaluated run under .*: run `aucue evaluate`, or name a folder"):
        find([tmp_path, tmp_path / "nowhere"])


@pytest.mark.parametrize("content", ["[]", "{", '{"trained": {}}', '{"trained": {"train": {}, "seed": 0}}'])
def test_damaged_run_is_named(tmp_path, content):
    (write(tmp_path / "a") / "details.json").write_text(content)
    with pytest.raises(InputError, match="a cannot be read .*: run `aucue evaluate` again"):
        find([tmp_path])


def test_a_setting_is_what_has_an_effect():
    assert setting_of(PARAMS) == Setting("cam", ("attention",), (5,), 6.0, 0.0)
    assert setting_of({**PARAMS, "align": ["cam", "attention"], "layers": [5, 4]}) == Setting(
        "cam", ("attention", "cam"), (4, 5), 6.0, 2.0
    )
    assert setting_of({**PARAMS, "align": ["cam"]}) == Setting("cam", ("cam",), (), 0.0, 2.0)
    unguided = Setting("cam")
    assert not unguided.guided
    assert setting_of({**PARAMS, "align": []}) == setting_of({**PARAMS, "lambda": 0.0}) == unguided


def test_groups_have_one_run_per_seed(tmp_path):
    write(tmp_path / "a", seed=1)
    write(tmp_path / "b", seed=0)
    write(tmp_path / "c", align=[])
    write(tmp_path / "d", align=[], layers=[4])  # the same training
    groups, notes = grouped(find([tmp_path]))
    assert [[run.seed for run in runs] for runs in groups.values()] == [[0], [0, 1]]
    assert notes == []


def test_what_does_not_go_together_is_said(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", metrics={"accuracy": 0.6}, epochs=4, faces={"manifest_sha256": 1})
    write(tmp_path / "c", method="prm", align=[])
    groups, notes = grouped(find([tmp_path]))
    assert [len(runs) for runs in groups.values()] == [1, 1]
    assert any("b is left out" in note and "other figures" in note for note in notes)
    assert "the runs differ in more than is shown: epochs, faces.manifest_sha256" in notes
    assert any(note.startswith("cam has no run without guidance") for note in notes)
    assert any(note.startswith("prm has no guided run") for note in notes)


def test_seeds_may_split_the_faces_otherwise_and_backbones_do_not_go_together(tmp_path):
    write(tmp_path / "a", faces={"manifest_sha256": 1})
    write(tmp_path / "b", seed=1, faces={"manifest_sha256": 2})
    write(tmp_path / "c", align=[], faces={"manifest_sha256": 1})
    assert grouped(find([tmp_path]))[1] == []
    write(tmp_path / "d", seed=2, backbone="hf:resnet")
    assert grouped(find([tmp_path]))[1] == ["the runs differ in more than is shown: backbone"]


def test_seeds_with_other_codebooks_do_not_go_together(tmp_path):
    write(tmp_path / "a", align=[], heatmaps={"codebook": "facs", "faces_sha256": 1})
    write(tmp_path / "b", seed=1, heatmaps={"codebook": "mine", "faces_sha256": 2})
    assert "the runs differ in more than is shown: heatmaps.codebook" in grouped(find([tmp_path]))[1]
