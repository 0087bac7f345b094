import json
import re
import shutil

import pytest

from pipeline.runtime.errors import InputError
from train.evaluate.figures import COMPARED
from train.report import stage as report

TITLES = {
    "cam": "CAM",
    "gradcam": "Grad-CAM",
    "gradcam_pp": "Grad-CAM++",
    "gradcam_pp_divided": "Grad-CAM++, divided",
    "layercam": "LayerCAM",
}


def write_report(params, dataset, train_dir, evaluation_dir, out_dir):
    """Run the stage on the small dataset's shards."""
    return report.main(
        params=params,
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        train_dir=train_dir,
        evaluation_dir=evaluation_dir,
        out_dir=out_dir,
    )


@pytest.fixture(scope="module")
def page(evaluated, dataset, params):
    return write_report(params, dataset, evaluated / "train", evaluated / "evaluation", evaluated / "report")


def test_table_has_both_variants_and_all_headline_figures(page):
    table, _ = page
    lines = table.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["baseline", "guided", "difference", "95"]
    assert all(title in lines[0] for title in ("accuracy", "balanced accuracy", "ATT-COS", "CAM-COS"))
    assert all(len(re.findall(r"\b[01]\.\d{3}\b", line)) == 4 for line in lines[1:4])
    assert len(re.findall(r"\[[+-]\d\.\d{3}, [+-]\d\.\d{3}\]", lines[4])) == 4
    assert len({len(line) for line in lines}) == 1


def test_page_is_self_contained(page):
    text = page[1].read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", text)
    assert not re.findall(r"<script|@import|url\((?!#)", text)
    assert text.count("<img") >= 6 * 5 + 10
    assert "<b>happiness</b><br>AU 6, 12" in text
    assert "synthetic expressions" in text


def test_notes_are_on_the_page_even_where_no_face_has_a_map(evaluated, dataset, params, tmp_path):
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    for variant in ("baseline", "guided"):
        for name in ("metrics", "details"):
            path = tmp_path / "evaluation" / variant / f"{name}.json"
            content = json.loads(path.read_text())
            if name == "metrics":
                content["att_cos"] = None
            else:
                content["notes"] = ["Colour tells joy & more."]
                content["trained"]["train"]["colour"] = False
            path.write_text(json.dumps(content))
    shards = {"faces_dir": dataset.faces, "heatmaps_dir": dataset.heatmaps}
    folders = {"train_dir": evaluated / "train", "evaluation_dir": tmp_path / "evaluation", "out_dir": tmp_path}
    _, path = report.main(params=params, **shards, **folders)
    assert "<p>Colour tells joy &amp; more.</p>" in path.read_text()
    assert "The networks saw grey values only" in path.read_text()


def test_page_says_what_decisions_lean_on(page):
    text = page[1].read_text()
    assert "neutral face of the validation split" in text
    assert "<p><b>If the regions of the own action units show a neutral face instead" in text


@pytest.mark.parametrize("reliance", [None, {"needed": None, "falls": {}}])
def test_page_shows_no_decisions_that_were_not_measured(evaluated, dataset, params, tmp_path, reliance):
    """The second is that of a dataset with a single expression beside neutral faces."""
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    for variant in ("baseline", "guided"):
        folder = tmp_path / "evaluation" / variant
        details, metrics = (json.loads((folder / f"{name}.json").read_text()) for name in ("details", "metrics"))
        details["reliance"] = reliance and details["reliance"] | reliance
        (folder / "details.json").write_text(json.dumps(details))
        (folder / "metrics.json").write_text(json.dumps(metrics | {"needed": None}))
        lines = (folder / "predictions.csv").read_text().splitlines()
        place = lines[0].split(",").index("needed")
        rows = [line.split(",") for line in lines]
        rows = rows[:1] + [[*row[:place], "", *row[place + 1 :]] for row in rows[1:]]
        (folder / "predictions.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    _, path = write_report(params, dataset, evaluated / "train", tmp_path / "evaluation", tmp_path / "report")
    text = path.read_text()
    assert "If the regions of the own action units" not in text
    assert "The fall for each pair" not in text
    assert ("What the decisions lean on" in text) == (reliance is not None)


def test_page_is_the_same_every_time(page, evaluated, dataset, params, tmp_path):
    _, again = write_report(params, dataset, evaluated / "train", evaluated / "evaluation", tmp_path)
    assert again.read_bytes() == page[1].read_bytes()


def test_gallery_shows_every_class(page, params):
    gallery = page[1].read_text().partition("<h2>Test faces</h2>")[2]
    shown = re.findall(r"<b>(\w+)</b>", gallery)
    assert len(shown) == params.report.gallery_size
    assert len(set(shown)) == 7


def test_differences_are_on_the_page_and_in_a_file(page, evaluated):
    found = json.loads((page[1].parent / "comparison.json").read_text())
    details = json.loads((evaluated / "evaluation" / "guided" / "details.json").read_text())
    assert found["notes"] == details["notes"]
    metrics = {
        name: json.loads((evaluated / "evaluation" / name / "metrics.json").read_text()) for name in ("baseline", "guided")
    }
    assert set(found["guided_minus_baseline"]) == set(COMPARED)
    for name, change in found["guided_minus_baseline"].items():
        assert change["mean"] == pytest.approx(metrics["guided"][name] - metrics["baseline"][name], abs=1e-6)
        assert f"<td>[{change['low']:+.3f}, {change['high']:+.3f}]</td>" in page[1].read_text()
    assert "8 of the test faces have no heatmap" in page[1].read_text()


def test_page_has_every_kind_of_map_with_its_controls(page, evaluated):
    section = page[1].read_text().partition("<h2>Where each kind of map looks</h2>")[2].partition("<h2>")[0]
    details = [json.loads((evaluated / "evaluation" / name / "details.json").read_text()) for name in ("baseline", "guided")]
    assert section.count("<tr>") == 1 + len(details[1]["maps"])
    for kind, found in details[1]["maps"].items():
        title = {**TITLES, **{f"layer{number}": f"layer {number}" for number in range(1, 6)}}[kind]
        line = section.partition(f"<td>{title}</td>")[2].partition("</tr>")[0]
        for name in ("cos", "energy", "pointing", "iou"):
            assert f"<td>{details[0]['maps'][kind][name]:.3f} → {found[name]:.3f}</td>" in line
        assert all(f"<td>{value:.3f}</td>" in line for value in found["controls"].values())
    assert "On the 48 faces whose moved action units are known" in section


def test_evaluation_of_an_earlier_version_is_named(evaluated, dataset, params, tmp_path):
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    path = tmp_path / "evaluation" / "guided" / "metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["layercam_cos"]
    path.write_text(json.dumps(metrics))
    with pytest.raises(InputError, match="guided has no layercam_cos, so it is of an earlier version: run"):
        write_report(params, dataset, evaluated / "train", tmp_path / "evaluation", tmp_path)


def test_missing_variant_is_named_with_the_command(evaluated, dataset, params, tmp_path):
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    (tmp_path / "evaluation" / "baseline" / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json does not exist: run `aucue train --variant baseline`"):
        write_report(params, dataset, evaluated / "train", tmp_path / "evaluation", tmp_path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda trained: trained["heatmaps"].update(size=14), "is of other heatmaps than"),
        (
            lambda trained: trained.update(variant="guided"),
            "is of a guided model: evaluate the baseline model into this folder",
        ),
        (lambda trained: trained["train"].update(epochs=99), "were trained with different parameters"),
    ],
)
def test_evaluations_that_cannot_be_compared_are_refused(evaluated, dataset, params, tmp_path, change, match):
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    path = tmp_path / "evaluation" / "baseline" / "details.json"
    details = json.loads(path.read_text())
    change(details["trained"])
    path.write_text(json.dumps(details))
    with pytest.raises(InputError, match=match):
        write_report(params, dataset, evaluated / "train", tmp_path / "evaluation", tmp_path)


def test_variants_may_differ_in_weights_without_effect_and_in_how_they_were_computed(evaluated, dataset, params, tmp_path):
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    path = tmp_path / "evaluation" / "baseline" / "details.json"
    details = json.loads(path.read_text())
    details["trained"]["train"] |= {"lambda": 77.0, "cam_lambda": 7.0, "workers": 3}
    path.write_text(json.dumps(details))
    write_report(params, dataset, evaluated / "train", tmp_path / "evaluation", tmp_path)


def test_damaged_evaluation_is_named(evaluated, dataset, params, tmp_path):
    shutil.copytree(evaluated / "evaluation", tmp_path / "evaluation")
    (tmp_path / "evaluation" / "guided" / "maps.npz").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match=r"guided cannot be read .*run `aucue train --variant guided`"):
        write_report(params, dataset, evaluated / "train", tmp_path / "evaluation", tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.html", "<h1>My holidays</h1>"),
        ("comparison.json", '{"mine": 1}'),
        ("index.html", "notes"),
        ("index.html", "<title>aucue explanations</title>"),  # the page of another command
    ],
)
def test_a_page_of_somebody_else_is_not_replaced(params, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=f"{name} is not a file that this command writes, and would be lost"):
        report.main(
            params=params,
            faces_dir=tmp_path,
            heatmaps_dir=tmp_path,
            train_dir=tmp_path,
            evaluation_dir=tmp_path,
            out_dir=tmp_path,
        )
    assert (tmp_path / name).read_text() == content


def test_a_report_is_written_again_beside_other_files(page, evaluated, dataset, params):
    (page[1].parent / "notes.txt").write_text("mine")
    write_report(params, dataset, evaluated / "train", evaluated / "evaluation", page[1].parent)
    assert (page[1].parent / "notes.txt").read_text() == "mine"
