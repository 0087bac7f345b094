import pytest

from pipeline.ingest.datasets.csv.lists import Content, content_of


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("image,label\n", Content.LABELS),
        ("File Name;Emotion;x\n", Content.LABELS),
        ("pth\tclass\n", Content.LABELS),
        ("a.jpg,anger\n", Content.LABELS),
        ("sep=;\nimage;label\n", Content.LABELS),
        ("image,class,emotion\n", Content.LABELS),  # which of them is said when the table is read
        ("image,anger,fear\na.jpg,1,0\n", Content.LABELS),
        ("image,anger,fear\na.jpg,7,3\n", Content.IMAGES),  # numbers of votes
        ("id,filename\n", Content.IMAGES),
        ("a.jpg\nb.jpg\n", Content.IMAGES),
        ("id,name\n0,anger\n", Content.OTHER),
        ("emotion,pixels\n0,1 2 3\n", Content.OTHER),
        ("epoch,loss\n1,0.5\n", Content.OTHER),
        ("", Content.OTHER),
    ],
)
def test_the_first_lines_tell_what_a_table_lists(tmp_path, text, content):
    (tmp_path / "table.csv").write_text(text)
    assert content_of(tmp_path / "table.csv") is content
