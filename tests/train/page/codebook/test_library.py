"""Which codebooks the page lists, and where it saves them."""

from dataclasses import replace

import pytest

from pipeline import codebook as codebooks
from pipeline.runtime.errors import InputError
from train.page.codebook.library import Library

TEXT = codebooks.find("facs").read_text()


def test_codebooks_of_aucue_the_given_one_and_the_saved_ones_are_listed(settings, tmp_path):
    (tmp_path / "mine.yaml").write_text(TEXT)
    library = Library(replace(settings, codebook=str(tmp_path / "mine.yaml")))
    library.save("first", TEXT, replaces=False)
    (library.folder / "no name.yaml").write_text(TEXT)
    assert list(library.titles()) == ["given", *codebooks.shipped(), "saved/first"]
    assert library.first == "given"
    assert library.path("given") == tmp_path / "mine.yaml"
    assert library.path("facs") == codebooks.find("facs")
    assert library.path("saved/first") == settings.out / "codebooks" / "first.yaml"
    assert Library(replace(settings, codebook="landmarks68")).first == "landmarks68"


@pytest.mark.parametrize("name", ["/etc/passwd", "../facs", "saved/../../facs", "given", "saved/none", "", None, 3])
def test_nothing_else_is_opened(library, name):
    with pytest.raises(InputError, match="there is no codebook"):
        library.path(name)


def test_a_codebook_to_begin_with_must_exist(settings):
    with pytest.raises(InputError, match="there is no codebook 'fax'"):
        Library(replace(settings, codebook="fax"))


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\\b", ".hidden", "-rf", "a.yaml", "ä", "a b", "x" * 65, "a\n", "CON:"]
)
def test_a_name_that_is_none_for_a_file_is_refused(library, name, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="is no name for a codebook: use up to 64 letters, digits, - and _, with"):
        library.save(name, TEXT, replaces=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_earlier_file_is_replaced_only_on_request(library):
    path = library.save("mine", TEXT, replaces=False)
    with pytest.raises(InputError, match=r"mine.yaml exists: give another name, or tick .replace."):
        library.save("mine", "other", replaces=False)
    assert path.read_text() == TEXT
    library.save("mine", "other", replaces=True)
    assert path.read_text() == "other"


def test_a_link_does_not_lead_outside(library, tmp_path):
    (tmp_path / "precious.yaml").write_text("precious")
    library.folder.mkdir(parents=True)
    (library.folder / "mine.yaml").symlink_to(tmp_path / "precious.yaml")
    with pytest.raises(InputError, match="is a link: give another name"):
        library.save("mine", TEXT, replaces=True)
    assert (tmp_path / "precious.yaml").read_text() == "precious"


def test_the_command_names_other_faces(library, settings, tmp_path):
    path = library.save("mine", TEXT, replaces=False)
    assert library.command(path) == f"aucue heatmaps --codebook {path} --faces {settings.faces}"
    from pathlib import Path

    usual = Library(replace(settings, faces=Path("data/faces"), out=tmp_path / "my out"))
    assert usual.command(tmp_path / "my out" / "x.yaml") == f"aucue heatmaps --codebook '{tmp_path}/my out/x.yaml'"


def test_a_codebook_is_loaded_again_when_its_file_has_changed(library):
    path = library.save("mine", TEXT, replaces=False)
    first = library.load("saved/mine")
    assert library.load("saved/mine") is first
    path.write_text(TEXT.replace("happiness: [6, 12]", "happiness: [6]"))
    assert library.load("saved/mine").expressions["happiness"] == (6,)
