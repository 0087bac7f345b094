"""The paper's tables and its curve over lambda (Belharbi et al. 2024, arXiv 2402.00281), from any number of evaluated runs.

``tables.md``, ``tables.tex``  accuracy (CL, in per cent) and CAM-COS per method without and with action units (its table 1);
                 ATT-COS of layer 5 (table 2); which layers are guided (table 3). A figure is the mean over the seeds, and
                 where there are several their [lowest, highest]; without → with compares the seeds that both have.
                 Published figures stand beside where the dataset has some
``methods.csv``, ``attention.csv``, ``layers.csv``  the same, a file each
``runs.csv``     one row per run: setting, seed, all its metrics and where it is
``lambda.csv``, ``lambda.png``  accuracy, ATT-COS and CAM-COS over lambda (figure 5); at 0 the run that is alike but for its
                 attention, which is not guided. Every point is of all its seeds
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pipeline.runtime.files import atomic, write_text
from train.report import pictures
from train.tables.evaluated_runs import EvaluatedRun, RunConfig, grouped

# A trained method -> the paper's rows, and the metric that is each one's CAM-COS. Of a plain CAM classifier there are four.
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
CURVES = {"accuracy": "accuracy", "att_cos": "ATT-COS", "cam_cos": "CAM-COS"}
TEX = str.maketrans(
    {"→": r"$\to$", "–": "--", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {sign: f"\\{sign}" for sign in "%_&#${}"}
)

Groups = dict[RunConfig, list[EvaluatedRun]]


@dataclass(frozen=True)
class Table:
    """A table of text cells."""

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """With its title above."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"

    def latex(self) -> str:
        """A floating table; it needs no package."""
        lines = [" & ".join(cell.translate(TEX) for cell in line) + r" \\" for line in (self.header, *self.rows)]
        body = "\n".join([lines[0], r"\hline", *lines[1:]])
        columns = "l" * len(self.header)
        return (
            f"\\begin{{table}}\n\\caption{{{self.title.translate(TEX)}}}\n\\begin{{tabular}}{{{columns}}}\n"
            f"{body}\n\\end{{tabular}}\n\\end{{table}}\n"
        )


def main(runs: Sequence[EvaluatedRun], out_dir: Path, dataset: str | None = None) -> tuple[str, list[str]]:
    """Write the files above from the runs (``runs.find``); returns the tables as Markdown, and sentences on what is
    missing or does not go together. ``dataset`` is the one whose published figures are shown, if it has any."""
    groups, notes = grouped(runs)
    if any("cam" in setting.align for setting in groups):
        notes.append("the table of layers leaves out what guides the class map too: train.align=[attention] fills it")
    if any(len({_seeds(groups, setting) for setting in pair if setting in groups}) > 1 for pair in _pairs(groups)):
        notes.append("not all settings have the same seeds: without → with compares those that both have")
    published = read_published(dataset)
    if published and len({run.dataset for run in runs}) > 1:
        published = {}
        notes.append(f"published figures are left out: not all runs are of one dataset, {dataset}")
    tables = [methods(groups, published), attention(groups, published), layers(groups, published)]
    text = "\n".join(table.markdown() for table in tables)
    write_text(out_dir / "tables.md", "\n".join([text, *(f"- {note}\n" for note in notes)]))
    write_text(
        out_dir / "tables.tex", "".join(f"% {note}\n" for note in notes) + "\n".join(table.latex() for table in tables)
    )
    for table in tables:
        write_text(out_dir / f"{table.name}.csv", _csv([table.header, *table.rows]))
    write_text(out_dir / "runs.csv", _csv(_runs(groups)))
    points = sweep(groups)
    write_text(out_dir / "lambda.csv", _csv([list(points[0]), *([*point.values()] for point in points)]))
    with atomic(out_dir / "lambda.png") as temporary:
        temporary.write_bytes(pictures.sweep(points, CURVES))
    return text, notes


def read_published(dataset: str | None) -> dict[tuple[str, str], dict[str, str]]:
    """(table, row) -> published figures of a dataset; nothing for one that the paper has not."""
    text = files("train.tables").joinpath("published.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["dataset"] == dataset]
    return {(row["table"], row["row"]): row for row in rows}


def methods(groups: Groups, published: dict) -> Table:
    """Table 1."""
    header = ["method", "guided", "CL %", "CAM-COS", *(["published CL %", "published CAM-COS"] if published else [])]
    rows = []
    for without, guided in _pairs(groups):
        for row, metric in _rows(guided).items():
            figures = [_change(groups, without, guided, name) for name in ("accuracy", metric)]
            beside = _published(published, guided, "methods", row, "cl", "cos")
            rows.append([row, _told(guided), *figures, *beside, *_otherwise(guided)])
    return _table("methods", "Accuracy and CAM-COS, without → with action units", header, rows)


def attention(groups: Groups, published: dict) -> Table:
    """Table 2."""
    header = ["method", "guided", "ATT-COS", *(["published ATT-COS"] if published else [])]
    rows = []
    for without, guided in _pairs(groups):
        row = next(iter(_rows(guided)))
        figure = _change(groups, without, guided, "att_cos")
        beside = _published(published, guided, "attention", row, "cos")
        rows.append([row, _told(guided), figure, *beside, *_otherwise(guided)])
    return _table("attention", "ATT-COS of layer 5, without → with action units", header, rows)


def layers(groups: Groups, published: dict) -> Table:
    """Table 3; runs that guide the CAM as well are another method's matter, and left out."""
    header = ["method", "layers", "lambda", "CL %", "CAM-COS"]
    header += ["published CL %", "published CAM-COS"] if published else []
    rows = []
    for setting in groups:
        if setting.align not in ((), ("attention",)):
            continue
        row, metric = next(iter(_rows(setting).items()))
        name = "+".join(map(str, setting.layers)) or "none"
        found = published.get(("layers", name), {}) if row == "CAM" else {}
        beside = [found.get(f"with_{kind}") or found.get(f"without_{kind}") or "–" for kind in ("cl", "cos")]
        figures = [_figure(groups[setting], figure) for figure in ("accuracy", metric)]
        rows.append([row, name, f"{setting.weight:g}", *figures, *(beside if published else []), *_otherwise(setting)])
    return _table("layers", "Which layers are guided", header, rows)


def sweep(groups: Groups) -> list[dict]:
    """One point per setting: mean, lowest and highest of the curves' metrics over its seeds (None without maps)."""
    points = []
    for setting, runs in groups.items():
        point = {**_described(setting), "seeds": len(runs)}
        for metric in CURVES:
            mean, low, high = _statistics(runs, metric) or (None, None, None)
            point |= {metric: mean, f"{metric}_low": low, f"{metric}_high": high}
        points.append(point)
    return points


def _table(name: str, title: str, header: list[str], rows: list[list[str]]) -> Table:
    """With a column for what else the rows differ in, if they do."""
    return Table(name, title, [*header, "otherwise"] if rows and len(rows[0]) > len(header) else header, rows)


def _otherwise(setting: RunConfig) -> list[str]:
    return [setting.otherwise] if setting.otherwise else []


def _rows(setting: RunConfig) -> dict[str, str]:
    return ROWS.get(setting.method, {setting.method: "cam_cos"})


def _pairs(groups: Groups) -> list[tuple[RunConfig, RunConfig]]:
    """Every guided setting with the same without guidance, and what was not guided with itself."""
    guided = {setting: setting.unguided for setting in groups if setting.guided}
    alone = [setting for setting in groups if not setting.guided and setting not in guided.values()]
    return [(without, setting) for setting, without in guided.items()] + [(setting, setting) for setting in alone]


def _change(groups: Groups, without: RunConfig, guided: RunConfig, metric: str) -> str:
    before, after = groups.get(without, []), groups[guided] if guided.guided else []
    if before and after:
        both = _seeds(groups, without) & _seeds(groups, guided)
        before = [run for run in before if run.seed in both]
        after = [run for run in after if run.seed in both or not both]
    return f"{_figure(before, metric)} → {_figure(after, metric)}"


def _seeds(groups: Groups, setting: RunConfig) -> frozenset[int]:
    return frozenset(run.seed for run in groups[setting])


def _figure(runs: Sequence[EvaluatedRun], metric: str) -> str:
    found = _statistics(runs, metric)
    if found is None:
        return "–"
    mean, low, high = (f"{100 * value:.2f}" if metric == "accuracy" else f"{value:.2f}" for value in found)
    return f"{mean} [{low}, {high}]" if len(runs) > 1 else mean


def _statistics(runs: Sequence[EvaluatedRun], metric: str) -> tuple[float, float, float] | None:
    """Mean, lowest and highest."""
    values = [value for run in runs if (value := run.metrics.get(metric)) is not None]
    return (sum(values) / len(values), min(values), max(values)) if values else None


def _published(published: dict, setting: RunConfig, table: str, row: str, *kinds: str) -> list[str]:
    """Cells for those kinds of figures; none where the dataset has no published ones. The paper's runs guide layer 5."""
    found = published.get((table, row), {}) if setting.layers == (5,) or not setting.guided else {}
    cells = [f"{found.get(f'without_{kind}') or '–'} → {found.get(f'with_{kind}') or '–'}" for kind in kinds]
    return cells if published else []


def _told(setting: RunConfig) -> str:
    """How a setting is guided, for people."""
    parts = [f"layers {'+'.join(map(str, setting.layers))}, lambda {setting.weight:g}"] if setting.layers else []
    parts += [f"CAM, lambda {setting.cam_weight:g}"] if setting.cam_weight else []
    return "; ".join(parts) or "–"


def _described(setting: RunConfig) -> dict[str, object]:
    return {
        "method": setting.method,
        "align": "+".join(setting.align) or "none",
        "layers": "+".join(map(str, setting.layers)) or "none",
        "lambda": setting.weight,
        "cam_lambda": setting.cam_weight,
        "otherwise": setting.otherwise,
    }


def _runs(groups: Groups) -> list[list]:
    runs = [run for found in groups.values() for run in found]
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))
    rows = [[*_described(run.setting).values(), run.seed, *(run.metrics.get(name) for name in names)] for run in runs]
    header = [*_described(runs[0].setting), "seed", *names, "place"]
    return [header, *([*row, run.place] for row, run in zip(rows, runs, strict=True))]


def _csv(rows: Iterable[Sequence]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
