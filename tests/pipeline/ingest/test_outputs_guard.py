import os
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.faces.manifest import Photo
from pipeline.ingest.outputs_guard import OutputsGuard, refuse_parameters
from pipeline.runtime.commands.paths import OUTPUTS
from pipeline.runtime.errors import InputError

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with the folder data/faces and a folder of photos beside it."""
    monkeypatch.chdir(tmp_path)
    for name in ("data/faces", "photos"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.jpg").touch()
    return tmp_path


def photos(*paths):
    return [Photo(str(number), os.fspath(path), "fear", "", "") for number, path in enumerate(paths)]


def test_outputs_are_those_of_dvc_yaml_and_of_the_page_on_data():
    outputs = []
    for stage in YAML(typ="safe").load(REPOSITORY / "dvc.yaml")["stages"].values():
        for kind in ("outs", "metrics", "plots"):
            outputs += [next(iter(out)) if isinstance(out, dict) else out for out in stage.get(kind, ())]
    page = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    outputs += [f"data/{name}" for row in rows for name in row.replace(" ", "").strip("`").replace("`,`", " ").split()]
    assert len(outputs) > 20
    for output in outputs:
        for variant in ("baseline", "guided"):
            path = Path(output.replace("${item.variant}", variant).replace("<variant>", variant))
            assert {str(path), *map(str, path.parents)} & set(OUTPUTS), path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "path", ["data/faces/1.jpg", "photos/../data/faces/1.jpg", "data/faces/deep/2.jpg", "photos/link.jpg"]
)
def test_a_photo_in_an_output_is_named(path):
    Path("photos/link.jpg").symlink_to(Path("data/faces/1.jpg").absolute())
    with pytest.raises(InputError, match=rf"{path} is in data/faces, an output of aucue where it would be lost: move it"):
        OutputsGuard().refuse_photos(photos("photos/1.jpg", path))


def test_links_are_followed_both_ways(project, mount):
    guard = OutputsGuard()
    guard.refuse_photos(photos("photos/1.jpg", project / "photos/1.jpg", "none/1.jpg", "odd\0.jpg", "1.jpg"))
    (project / "linked").symlink_to(project / "data")
    for path in ("linked/faces/1.jpg", project / "linked/faces/deep/1.jpg"):
        with pytest.raises(InputError, match="is in data/faces"):
            guard.refuse_photos(photos(path))
    (project / "data" / "heatmaps").symlink_to(project / "photos")
    with pytest.raises(InputError, match=r"photos/1\.jpg is in data/heatmaps"):
        OutputsGuard().refuse_photos(photos("photos/1.jpg"))
    with pytest.raises(InputError, match=r"mounted/1\.jpg is in data/faces"):
        OutputsGuard().refuse_photos(
            photos(mount(project / "mounted", project / "data/faces").relative_to(project) / "1.jpg")
        )


@pytest.mark.usefixtures("project")
def test_other_letter_case_is_the_same_folder_where_the_system_says_so():
    """On a system that tells letter case apart, another case is another folder."""
    shutil.copytree("photos", "Data/Faces", dirs_exist_ok=True)
    if Path("Data/Faces").samefile("data/faces"):
        with pytest.raises(InputError, match=r"Data/Faces/1\.jpg is in data/faces"):
            OutputsGuard().refuse_photos(photos("Data/Faces/1.jpg"))
    else:
        OutputsGuard().refuse_photos(photos("Data/Faces/1.jpg"))


@pytest.mark.usefixtures("project")
def test_a_root_in_an_output_and_a_link_to_labels_there_are_named():
    guard = OutputsGuard()
    guard.refuse_root("photos")
    Path("data/faces/mine").mkdir()
    for root in ("data/faces/mine", "data/faces"):
        with pytest.raises(InputError, match=f"ingest.root '{root}' is in data/faces, an output of aucue"):
            guard.refuse_root(root)
    Path("data/faces/labels.csv").touch()
    Path("photos/labels.csv").symlink_to(Path("data/faces/labels.csv").absolute())
    with pytest.raises(InputError, match=r"photos/labels\.csv is in data/faces"):
        guard.refuse_root("photos")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("block", "name"), [("heatmaps", "codebook"), ("landmarks", "predictor"), ("train", "backbone")])
def test_a_file_that_a_parameter_names_in_an_output_is_refused(params, block, name):
    refuse_parameters(params)
    Path("data/faces/mine").touch()
    value = "hf:data/faces/mine" if block == "train" else "data/faces/mine"
    ours = params.model_copy(update={block: getattr(params, block).model_copy(update={name: value})})
    with pytest.raises(InputError, match=rf"{block}\.{name} 'data/faces/mine' is in data/faces, an output of aucue"):
        refuse_parameters(ours)


def test_a_codebook_that_was_saved_from_the_page_is_a_users_own_file(project, params):
    for name in ("data/explanations/codebooks/mine.yaml", "data/explanations/mine.yaml"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    saved, beside = (
        params.model_copy(update={"heatmaps": params.heatmaps.model_copy(update={"codebook": f"data/explanations/{name}"})})
        for name in ("codebooks/mine.yaml", "mine.yaml")
    )
    refuse_parameters(saved)
    with pytest.raises(InputError, match="is in data/explanations, an output of aucue"):
        refuse_parameters(beside)
