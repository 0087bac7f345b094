"""The paper's tables and its curve over lambda (Belharbi et al. 2024, arXiv 2402.00281), from any number of evaluated runs.

A figure is the mean over the seeds, followed by [lowest, highest] if there are several. "without → with" compares the seeds
that both have. Published figures stand beside if the dataset has some.

``tables.md``, ``tables.tex``  accuracy (CL, in per cent) and CAM-COS per method, without and with action units (table 1);
                 ATT-COS of layer 5 (table 2); which layers are guided (table 3); what decisions lean on (not in the paper)
``methods.csv``, ``attention.csv``, ``layers.csv``, ``decisions.csv``  the same four tables
``runs.csv``     one row per run: its config, its seed, all its metrics, and its place
``lambda.csv``, ``lambda.png``  accuracy, ATT-COS and CAM-COS over lambda (figure 5). At lambda 0 is the run that differs
                 only in that its attention is not guided. Every point is over all its seeds
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.runtime.outputs.files import atomic, write_text
from pipeline.runtime.outputs.folder_outputs import replaced_together
from pipeline.runtime.outputs.overwriting import holding, png_drawn_at, refuse_foreign, starting_with
from train.evaluate.figures import RELIANCE
from train.tables import lambda_chart
from train.tables.evaluated_runs import EvaluatedRun, Groups, RunConfig, group_runs
from train.tables.published import Published, change_cells, layer_cells, read_published
from train.tables.run_statistics import format_change, format_mean, guidance_pairs, seeds_of
from train.tables.table import Table

# Trained method -> the paper's rows, and the metric that is the CAM-COS of each. A plain CAM classifier has four rows.
ROWS = {
    "cam": {"CAM": "cam_cos", "GradCAM": "gradcam_cos", "GradCAM++": "gradcam_pp_cos", "LayerCAM": "layercam_cos"},
    "wildcat": {"WILDCAT": "cam_cos"},
    "acol": {"ACoL": "cam_cos"},
    "prm": {"PRM": "cam_cos"},
    "adl": {"ADL": "cam_cos"},
    "cutmix": {"CutMix": "cam_cos"},
    "tscam": {"TS-CAM": "cam_cos"},
    "apvit": {"APViT": "cam_cos"},
}
DECISION_DIGITS = 3  # guidance of maps moves needed by a few thousandths
TABLES = ("methods.csv", "attention.csv", "layers.csv", "decisions.csv")
OURS = {  # the kind of each file
    **dict.fromkeys((*TABLES, "runs.csv", "lambda.csv"), starting_with("method,")),
    "tables.md": holding("ATT-COS"),
    "tables.tex": holding("ATT-COS"),
    "lambda.png": png_drawn_at(lambda_chart.DPI),
}


LEGEND = (
    "CL % is the accuracy in per cent. CAM-COS and ATT-COS are the cosines of the class map, and of the attention, with the "
    "heatmaps. A figure is the mean over the seeds, followed by [lowest, highest]. The column guided says what the heatmaps "
    "guide: with 'layers 5, lambda 2' the attention of layer 5 with weight 2, with 'CAM, lambda 1' the class map with 1, "
    "with 'evidence, share 0.5' the decisions, by regions swapped in half of the faces. Needed, enough and leak say what "
    "decisions lean on (train/README.md).\n"
)


def main(*, runs: Sequence[EvaluatedRun], out_dir: Path, dataset: str | None = None) -> tuple[str, list[str]]:
    """Write the tables of evaluated runs, and the chart over lambda.

    Args:
        runs: The runs, as ``evaluated_runs.find_runs`` returns them.
        out_dir: Folder to write.
        dataset: The dataset whose published figures to show, if it has any.

    Returns:
        The tables as Markdown, and sentences on what is missing or cannot be compared.
    """
    for name, is_ours in OURS.items():
        refuse_foreign(out_dir / name, is_ours)
    groups, notes = group_runs(runs)
    notes += _notes_on_tables(groups)
    published = read_published(dataset)
    if published and len({run.dataset for run in runs}) > 1:
        published = {}
        notes.append(f"published figures are left out: not all runs are of one dataset, {dataset}")
    tables = [methods(groups, published), attention(groups, published), layers(groups, published), decisions(groups)]
    text = "\n".join([*(table.markdown() for table in tables), LEGEND])
    with replaced_together(out_dir, "tables.md") as building:
        write_text(building / "tables.md", "\n".join([text, *(f"- {note}\n" for note in notes)]))
        comments = "".join(f"% {note}\n" for note in notes)
        write_text(building / "tables.tex", comments + "\n".join(table.latex() for table in tables))
        for table in tables:
            write_text(building / f"{table.name}.csv", _csv([table.header, *table.rows]))
        write_text(building / "runs.csv", _csv(_run_rows(groups)))
        points = lambda_chart.chart_points(groups)
        write_text(building / "lambda.csv", _csv([list(points[0]), *([*point.values()] for point in points)]))
        with atomic(building / "lambda.png") as temporary:
            temporary.write_bytes(lambda_chart.draw(points, lambda_chart.METRICS))
    return text, notes


def _notes_on_tables(groups: Groups) -> list[str]:
    """Sentences on runs that a table leaves out, and on seeds that a comparison leaves out."""
    notes = []
    if any("cam" in config.align for config in groups):
        notes.append("the table of layers leaves out what guides the class map too: train.align=[attention] fills it")
    pairs = [[config for config in pair if config in groups] for pair in guidance_pairs(groups)]
    if any(len({seeds_of(groups, config) for config in pair}) > 1 for pair in pairs):
        notes.append("not all settings have the same seeds: without → with compares those that both have")
    return notes


def methods(groups: Groups, published: Published) -> Table:
    """Make the paper's table 1: accuracy and CAM-COS of every method."""
    header = ["method", "guided", "CL %", "CAM-COS", *(["published CL %", "published CAM-COS"] if published else [])]
    rows = []
    for without, guided in guidance_pairs(groups):
        for row, metric in _paper_rows(guided).items():
            figures = [format_change(groups, without, guided, name) for name in ("accuracy", metric)]
            beside = change_cells(published, guided, "methods", row, "cl", "cos")
            rows.append([row, _format_guidance(guided), *figures, *beside, *_otherwise(guided)])
    return _table("methods", "Accuracy and CAM-COS, without → with action units", header, rows)


def attention(groups: Groups, published: Published) -> Table:
    """Make the paper's table 2: ATT-COS of every method."""
    header = ["method", "guided", "ATT-COS", *(["published ATT-COS"] if published else [])]
    rows = []
    for without, guided in guidance_pairs(groups):
        row = next(iter(_paper_rows(guided)))
        figure = format_change(groups, without, guided, "att_cos")
        beside = change_cells(published, guided, "attention", row, "cos")
        rows.append([row, _format_guidance(guided), figure, *beside, *_otherwise(guided)])
    return _table("attention", "ATT-COS of layer 5, without → with action units", header, rows)


def layers(groups: Groups, published: Published) -> Table:
    """Make the paper's table 3: which layers are guided. Runs that guide the CAM too do not belong to it."""
    header = ["method", "layers", "lambda", "CL %", "CAM-COS"]
    header += ["published CL %", "published CAM-COS"] if published else []
    rows = []
    for config, runs in groups.items():
        if config.align not in ((), ("attention",)):
            continue
        row, metric = next(iter(_paper_rows(config).items()))
        names = "+".join(map(str, config.layers)) or "none"
        figures = [format_mean(runs, name) for name in ("accuracy", metric)]
        beside = layer_cells(published, row, names)
        rows.append([row, names, f"{config.weight:g}", *figures, *beside, *_otherwise(config)])
    return _table("layers", "Which layers are guided", header, rows)


def decisions(groups: Groups) -> Table:
    """Make the table of what decisions lean on, which the paper does not have."""
    rows = [
        [
            next(iter(_paper_rows(guided))),
            _format_guidance(guided),
            *(format_change(groups, without, guided, metric, DECISION_DIGITS) for metric in RELIANCE),
            *_otherwise(guided),
        ]
        for without, guided in guidance_pairs(groups)
    ]
    return _table("decisions", "What decisions lean on, without → with action units", ["method", "guided", *RELIANCE], rows)


def _table(name: str, title: str, header: list[str], rows: list[list[str]]) -> Table:
    """A table with a column for what else the rows differ in, if they do."""
    return Table(name, title, [*header, "otherwise"] if rows and len(rows[0]) > len(header) else header, rows)


def _otherwise(config: RunConfig) -> list[str]:
    return [config.otherwise] if config.otherwise else []


def _paper_rows(config: RunConfig) -> dict[str, str]:
    return ROWS.get(config.method, {config.method: "cam_cos"})


def _format_guidance(config: RunConfig) -> str:
    parts = [f"layers {'+'.join(map(str, config.layers))}, lambda {config.weight:g}"] if config.layers else []
    parts += [f"CAM, lambda {config.cam_weight:g}"] if config.cam_weight else []
    parts += [f"evidence, share {config.evidence:g}"] if config.evidence else []
    return "; ".join(parts) or "–"


def _run_rows(groups: Groups) -> list[list]:
    """The header and the rows of runs.csv."""
    runs = [run for members in groups.values() for run in members]
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    header = [*runs[0].config.columns(), "seed", *metrics, "place"]
    rows = [
        [*run.config.columns().values(), run.seed, *(run.metrics.get(name) for name in metrics), run.place] for run in runs
    ]
    return [header, *rows]


def _csv(rows: Iterable[Sequence]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
