"""Stage report: both variants side by side, as a table for the terminal and as files.

``index.html``       one self-contained page of figures and pictures
``comparison.json``  guided_minus_baseline: per metric the difference with its paired bootstrap interval
                     (``train/report/comparison.py``); notes: those of the guided variant's evaluation
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.folder_outputs import replaced_together
from pipeline.runtime.outputs.overwriting import holding, json_with, refuse_foreign
from pipeline.runtime.parameters import Params
from pipeline.shards import ShardSet
from train import VARIANTS
from train.data.dataset import open_shards
from train.evaluate.artifacts import Evaluation, read, write_json
from train.report import panels, pictures
from train.report.comparison import (
    Differences,
    Evaluations,
    check_comparable,
    figure_rows,
    map_rows,
    paired_differences,
    text_table,
    verdict,
)
from train.report.decisions import decision_rows, decision_verdict
from train.report.training_curves import read_curves

ROOMS = ("train/report", "train/evaluate", "train/data", "pipeline/shards")  # the folders whose code decides the output
PAGE, COMPARISON = "index.html", "comparison.json"
CONTROLS = {  # key in details.json -> its name on the page
    "training_mean": "mean map of all training faces",
    "class_mean": "mean map of the true class's training faces",
    "ceiling": "the heatmap itself at the last layer's resolution",
}


def main(
    *, params: Params, faces_dir: Path, heatmaps_dir: Path, train_dir: Path, evaluation_dir: Path, out_dir: Path
) -> tuple[str, Path]:
    """Compare both variants, and write the page and the comparison.

    Args:
        params: All of params.yaml.
        faces_dir: Folder of the face shards.
        heatmaps_dir: Folder of the heatmap shards.
        train_dir: Folder of the trained variants.
        evaluation_dir: Folder of the evaluated variants.
        out_dir: Folder to write.

    Returns:
        The table for the terminal, and the path of the page.

    Raises:
        InputError: If an evaluation is missing or damaged, or the variants cannot be compared.
    """
    refuse_foreign(out_dir / PAGE, holding("<title>aucue report</title>"))
    refuse_foreign(out_dir / COMPARISON, json_with("guided_minus_baseline"))
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    evaluations = {name: _read_evaluation(evaluation_dir / name) for name in VARIANTS}
    check_comparable(evaluations, heatmaps, evaluation_dir)
    differences = paired_differences(evaluations["baseline"], evaluations["guided"])
    environment = Environment(
        loader=PackageLoader("train.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.j2").render(
        demo=params.ingest.dataset == "demo",
        codebook=heatmaps.provenance["codebook"],
        curves=pictures.line_charts(read_curves(train_dir)),
        gallery=panels.gallery(evaluations, faces, params.report.gallery_size, params.base.seed),
        **_evaluation_context(evaluations, differences, faces),
    )
    notes = evaluations["guided"].details["notes"]
    with replaced_together(out_dir, PAGE) as building:
        write_text(building / PAGE, page)
        write_json(building / COMPARISON, {"guided_minus_baseline": differences, "notes": notes})
    return text_table(evaluations, differences), out_dir / PAGE


def _read_evaluation(folder: Path) -> Evaluation:
    name = folder.name
    return read(folder, f"run `aucue train --variant {name}` and `aucue evaluate --variant {name}`")


def _evaluation_context(evaluations: Evaluations, differences: Differences, faces: ShardSet) -> dict[str, Any]:
    """The template's variables that come from the evaluations."""
    baseline, guided = (evaluations[name] for name in VARIANTS)
    return {
        "variants": VARIANTS,
        "table": figure_rows(evaluations, differences),
        "map_rows": map_rows(baseline, guided),
        "moved": [evaluation.details["moved"] for evaluation in (baseline, guided)],
        "faces": guided.metrics["faces"],
        "photos": guided.metrics["photos"],
        "without": guided.metrics["faces"] - guided.metrics["faces_with_map"],
        "own_maps": "cam" in guided.details["maps"],
        "controls": {title: guided.details["controls"][name] for name, title in CONTROLS.items()},
        "verdict": verdict(evaluations),
        "decision_verdict": decision_verdict(evaluations, differences),
        "decisions": decision_rows(evaluations),
        "falls": [
            pictures.fall_matrix(reliance["falls"], name)
            for name in VARIANTS
            if (reliance := evaluations[name].details["reliance"]) and reliance["falls"]
        ],
        "donors": (guided.details["reliance"] or {}).get("donors", {}).get("split"),
        "notes": dict.fromkeys(note for evaluation in (guided, baseline) for note in evaluation.details["notes"]),
        "colour": guided.details["trained"]["train"]["colour"],
        "confusions": [pictures.confusion_matrix(evaluations[name].details["confusion"], name) for name in VARIANTS],
        "expressions": panels.expression_panels(evaluations, faces),
        "units": ", ".join(f"{key} {name}" for key, name in panels.unit_names(evaluations).items()),
        "tile": panels.TILE,
        "small_tile": panels.SMALL_TILE,
    }
