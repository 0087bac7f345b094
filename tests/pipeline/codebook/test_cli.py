import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import loading


def test_list_has_a_line_for_each_shipped_codebook(run):
    lines = run("codebook", "list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["belharbi2024", "facs", "landmarks68"]


def test_list_goes_on_after_a_bad_file(run, tmp_path, monkeypatch):
    (tmp_path / "bad.yaml").write_text("name: bad\n")
    (tmp_path / "facs.yaml").write_text(codebooks.find("facs").read_text())
    monkeypatch.setattr(loading, "FOLDER", tmp_path)
    assert [line[:4] for line in run("codebook", "list").output.splitlines()] == ["bad:", "facs"]


def test_show_takes_a_name_or_a_file(run):
    assert run("codebook", "show", "facs").output == run("codebook", "show", codebooks.find("facs")).output


def test_check_says_that_all_is_well(run):
    result = run("codebook", "check", "belharbi2024")
    assert result.exit_code == 0
    assert result.output.startswith("no mistakes. belharbi2024 1: 7 expressions (6 with a map), 20 regions, digest ")


def test_check_lists_mistakes_as_a_compiler_does(run, tmp_path):
    text = codebooks.find("facs").read_text().replace("anger: [4,", "anger: [99,").replace("combine: max", "combine: most")
    (tmp_path / "mine.yaml").write_text(text)
    result = run("codebook", "check", "mine.yaml")
    assert result.exit_code == 1
    found = [line.split(":")[:2] for line in result.stdout.splitlines()]
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if "[99," in line or "combine: most" in line]
    assert found == [["mine.yaml", str(line)] for line in lines]
    assert len(found) == 2
    assert result.stderr == "Error: mine.yaml has 2 mistakes: fix the lines above\n"


def test_check_knows_the_labels_of_the_parameters(run, write_params, tmp_path):
    assert run("codebook", "check", "belharbi2024").exit_code == 0  # there is no file of parameters
    write_params(("disgust, fear, happiness,", "disgust, fear, happiness, contempt,"))
    result = run("codebook", "check", "belharbi2024")
    assert result.exit_code == 1
    assert "codebook belharbi2024 has no expression contempt: add it there" in result.stderr
    assert run("codebook", "check", "facs").exit_code == 0
    (tmp_path / "params.yaml").rename(tmp_path / "other.yaml")
    assert run("codebook", "check", "belharbi2024").exit_code == 0
    assert run("codebook", "check", "belharbi2024", "--params", "other.yaml").exit_code == 1
    assert "none.yaml does not exist" in run("codebook", "check", "facs", "--params", "none.yaml").stderr


def test_diff(run, tmp_path):
    assert "they mean the same" in run("codebook", "diff", "facs", codebooks.find("facs")).output
    assert "+ pain: " in run("codebook", "diff", "belharbi2024", "facs").output


def test_new_is_a_copy_under_another_name(run, tmp_path):
    result = run("codebook", "new", "mine.yaml", "--from", "belharbi2024")
    assert "wrote mine.yaml" in result.output
    assert codebooks.load(tmp_path / "mine.yaml").name == "mine"
    assert "they mean the same" in run("codebook", "diff", "mine.yaml", "belharbi2024").output


def test_meaning_is_the_same_bytes_in_another_order(run, tmp_path):
    text = codebooks.find("facs").read_text().replace("anger: [4, 5,", "anger: [5, 4,").replace("version: 1", "version: 2")
    (tmp_path / "mine.yaml").write_text(f"# A comment.\n{text}")
    assert run("codebook", "meaning", "facs", "--out", "facs.json").exit_code == 0
    assert "wrote mine.json" in run("codebook", "meaning", "mine.yaml", "--out", "mine.json").output
    assert (tmp_path / "mine.json").read_bytes() == (tmp_path / "facs.json").read_bytes()
    (tmp_path / "mine.yaml").write_text(text.replace("iod: 0.26", "iod: 0.27"))
    run("codebook", "meaning", "mine.yaml", "--out", "mine.json")
    assert (tmp_path / "mine.json").read_bytes() != (tmp_path / "facs.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["new", "mine.txt"], "mine.txt must end in .yaml"),
        (["new", "mine.yaml", "--from", "none"], "there is no codebook 'none'"),
        (["new", "there.yaml"], "there.yaml exists: give another name, or delete it first"),
        (["check", "none.yaml"], "there is no codebook 'none.yaml'"),
        (["draw", "facs", "-o", "book.jpg"], "book.jpg must end in .png"),
        (["draw", "facs", "-o", "book.png", "--faces", "none"], "none is not a complete set of faces"),
        (["draw", "facs", "-o", "book.png", "--faces", "none", "--mean-face"], "exclude each other: give one of them"),
        (["draw", "facs"], "Missing option '-o'"),
    ],
)
def test_wrong_use_is_one_line(run, tmp_path, arguments, match):
    (tmp_path / "there.yaml").write_text("mine")
    result = run("codebook", *arguments)
    assert result.exit_code in (1, 2)
    assert match in result.stderr.splitlines()[-1]
    assert (tmp_path / "there.yaml").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.yaml"]


@pytest.mark.parametrize("options", [[], ["--mean-face"], ["--action-units"]])
def test_draw_writes_a_picture(run, tmp_path, options):
    assert run("codebook", "draw", "facs", "-o", "out/book.png", *options).output == "wrote out/book.png\n"
    assert (tmp_path / "out" / "book.png").stat().st_size > 20_000


def test_draw_on_faces(run, dataset, tmp_path):
    run("codebook", "draw", "facs", "-o", "book.png", "--faces", dataset.faces, "--count", "2")
    assert (tmp_path / "book.png").stat().st_size > 100_000


def test_nothing_to_draw_is_named(run, tmp_path):
    text = codebooks.find("landmarks68").read_text()
    start, end = text.index("expressions:"), text.index("regions:")
    (tmp_path / "empty.yaml").write_text(text[:start] + "expressions: {calm: none}\n" + text[end:])
    result = run("codebook", "draw", "empty.yaml", "-o", "book.png")
    assert result.stderr == "Error: codebook landmarks68 has no expression with a map: there is nothing to draw\n"
