from train.tables.evaluated_runs import RunConfig
from train.tables.published import change_cells, layer_cells, read_published
from train.tables.tables import ROWS

FIVE = RunConfig("cam", ("attention",), (5,), 6.0)


def test_published_figures_of_the_paper():
    rafdb, affectnet = read_published("rafdb"), read_published("affectnet")
    assert read_published("demo") == {} == read_published(None)
    assert change_cells(rafdb, FIVE, "methods", "GradCAM++", "cl", "cos") == ["87.84 → 89.14", "0.60 → 0.82"]
    assert change_cells(affectnet, FIVE, "methods", "APViT", "cl", "cos") == ["60.62 → 62.28", "– → –"]
    assert change_cells(rafdb, FIVE, "attention", "APViT", "cos") == ["0.38 → 0.85"]
    assert len([row for row in rafdb if row[0] == "methods"]) == 11
    rows = {row for named in ROWS.values() for row in named}
    assert {row for table, row in rafdb if table != "layers"} == rows


def test_layers_have_published_figures_in_the_row_cam_only():
    rafdb = read_published("rafdb")
    assert layer_cells(rafdb, "CAM", "none") == ["88.20", "0.55"]
    assert layer_cells(rafdb, "CAM", "4+5") == ["88.78", "0.67"]
    assert layer_cells(rafdb, "APViT", "5") == ["–", "–"]
    assert layer_cells({}, "CAM", "none") == []
