"""Stage report: both variants side by side, as a table and as one self-contained page of pictures (``index.html``), and
their differences face by face (``comparison.json``)."""

import csv
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text
from pipeline.runtime.parameters import Params
from pipeline.shards import ShardSet
from train import VARIANTS, WITHOUT_EFFECT
from train.data.dataset import open_shards
from train.evaluate.artifacts import Result, read, write_json
from train.evaluate.figures import COMPARED, HEADLINE, shown
from train.report import pictures
from train.report.comparison import kinds, paired, told

ROOMS = ("train/report", "train/evaluate", "train/data", "pipeline/shards")  # whose code decides the output
CONTROLS = {
    "training_mean": "mean map of all training faces",
    "class_mean": "mean map of the true class's training faces",
    "ceiling": "the map itself at the last layer's resolution",
}
COSINE_CURVE = "validation/att_cos"
CURVES = {
    "accuracy (validation)": "validation/accuracy",
    "cross-entropy (validation)": "validation/cross_entropy",
    "ATT-COS (validation)": COSINE_CURVE,
}
TILE, SMALL_TILE = 150, 120  # pixels


def main(
    *, params: Params, faces_dir: Path, heatmaps_dir: Path, train_dir: Path, evaluation_dir: Path, out_dir: Path
) -> tuple[str, Path]:
    """Write ``index.html``; returns the table as text and the page's path."""
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    results = {name: _load(evaluation_dir / name) for name in VARIANTS}
    _check_comparable(results, heatmaps, evaluation_dir)
    changes = paired(*(results[name] for name in VARIANTS))
    loader = PackageLoader("train.report")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.get_template("report.html.j2").render(
        variants=VARIANTS,
        demo=params.ingest.dataset == "demo",
        table=_table(results, changes),
        kinds=kinds(*(results[name] for name in VARIANTS)),
        moved=[results[name].details["moved"] for name in VARIANTS],
        faces=results["guided"].metrics["faces"],
        photos=results["guided"].metrics["photos"],
        own_maps="cam" in results["guided"].details["maps"],
        without=results["guided"].metrics["faces"] - results["guided"].metrics["faces_with_map"],
        codebook=heatmaps.provenance["codebook"],
        controls={text: results["guided"].details["controls"][name] for name, text in CONTROLS.items()},
        verdict=verdict(results),
        notes=dict.fromkeys(note for name in reversed(VARIANTS) for note in results[name].details["notes"]),
        colour=results["guided"].details["trained"]["train"]["colour"],
        curves=pictures.curves(_curves(train_dir)),
        confusions=[pictures.confusion(results[name].details["confusion"], name) for name in VARIANTS],
        expressions=_expressions(results, faces),
        units=", ".join(f"{key} {name}" for key, name in _units(results).items()),
        gallery=_gallery(results, faces, params.report.gallery_size, params.base.seed),
        tile=TILE,
        small_tile=SMALL_TILE,
    )
    path = out_dir / "index.html"
    write_text(path, page)
    write_json(out_dir / "comparison.json", {"guided_minus_baseline": changes, "notes": results["guided"].details["notes"]})
    return text_table(results, changes), path


def text_table(results: dict[str, Result], changes: dict[str, dict | None]) -> str:
    """The headline figures of all variants, one line each, then their difference and its interval, for a terminal."""
    lines = [f"{'':10}" + "".join(f"{title:>19}" for title in HEADLINE.values())]
    for name, result in results.items():
        lines.append(f"{name:10}" + "".join(f"{shown(result.metrics[metric]):>19}" for metric in HEADLINE))
    texts = zip(*(told(changes[metric]) for metric in HEADLINE), strict=True)
    for title, cells in zip(("difference", "  95 %"), texts, strict=True):
        lines.append(f"{title:10}" + "".join(f"{cell:>19}" for cell in cells))
    return "\n".join(lines)


def verdict(results: dict[str, Result]) -> str:
    """What the ATT-COS figures mean: beside a map that is the same for every face, and across expressions."""
    baseline, guided = (results[name] for name in VARIANTS)
    reached, constant = guided.metrics["att_cos"], guided.details["controls"]["training_mean"]
    if reached is None or constant is None:
        return "No test face has a map, so attention could not be compared with one."
    rates = [result.details["own_expression"]["rate"] for result in (baseline, guided)]
    chance = guided.details["own_expression"]["chance"]
    beside = "better than" if reached > constant else "worse than"
    beside = "about as well as" if abs(reached - constant) < 0.01 else beside
    return (
        f"Guided attention agrees with each face's own heatmap {beside} one constant map does "
        f"({reached:.3f}; {constant:.3f}). Among the mean heatmaps of all expressions it is closest to that of the face's "
        f"own on {rates[1]:.0%} of the faces (baseline {rates[0]:.0%}, chance {chance:.0%}), in the mean over expressions."
    )


def _load(evaluation_dir: Path) -> Result:
    name = evaluation_dir.name
    return read(evaluation_dir, f"run `aucue train --variant {name}` and `aucue evaluate --variant {name}`")


def _curves(train_dir: Path) -> dict[str, dict[str, list[float]]]:
    """Chart's title -> variant -> value per epoch. There is no curve of cosines where no validation face has a map."""
    folders = {name: train_dir / name / "live" / "plots" / "metrics" for name in VARIANTS}
    shown = {
        title: file
        for title, file in CURVES.items()
        if file != COSINE_CURVE or any((folder / f"{file}.tsv").exists() for folder in folders.values())
    }
    return {
        title: {name: _column(folder / f"{file}.tsv") for name, folder in folders.items()} for title, file in shown.items()
    }


def _column(path: Path) -> list[float]:
    """The values of a dvclive curve: a header, then step and value per line."""
    mend = "run `aucue train` for both variants"
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return [float(value) for _, value in list(csv.reader(stream, delimiter="\t"))[1:]]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: {mend}") from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read ({error}): {mend} again") from error


def _check_comparable(results: dict[str, Result], heatmaps: ShardSet, evaluation_dir: Path) -> None:
    """The page says that the variants differ in one thing, and shows faces of these shards: see that it is so."""
    settings = []
    for name, result in results.items():
        trained = result.details.get("trained")
        if trained is None or trained["heatmaps"] != heatmaps.provenance:
            raise InputError(
                f"{evaluation_dir / name} is of other heatmaps than {heatmaps.folder}: train and evaluate again"
            )
        if trained["variant"] != name:
            raise InputError(f"{evaluation_dir / name} is of a {trained['variant']} model: evaluate the {name} one there")
        # No weight of guidance says anything of a baseline; its layers do, by the curve of their alignment.
        aside = dict.fromkeys(("align", "lambda", "cam_lambda", *WITHOUT_EFFECT))
        settings.append({**trained["train"], "seed": trained["seed"], **aside})
    if settings[0] != settings[1]:
        raise InputError(f"the variants under {evaluation_dir} were trained with different parameters: train both again")


def _table(results: dict[str, Result], changes: dict[str, dict | None]) -> list[dict]:
    rows = []
    for metric, title in COMPARED.items():
        change, interval = told(changes[metric])
        values = [shown(results[name].metrics[metric]) for name in VARIANTS]
        rows.append({"title": title, "values": values, "change": change, "interval": interval})
    return rows


def _expressions(results: dict[str, Result], faces: ShardSet) -> list[dict]:
    """Per expression with a map: its action units, its mean maps over the mean of its test faces, and its cosines."""
    maps = results["guided"].maps
    actual = np.array([face["actual"] for face in results["guided"].predictions])
    listed, units = results["guided"].details["units_of_expression"], _units(results)
    entries = []
    for index, name in enumerate(maps["classes"].tolist()):
        if not maps["mean_true"][index].any():
            continue
        members = maps["rows"][actual == name].tolist()
        mean_face = np.mean([faces.crop(row) for row in members], axis=0).astype(np.uint8)
        tiles = [maps["mean_true"][index]]
        tiles += [results[variant].maps["mean_attention"][index] for variant in VARIANTS]
        tiles += [results[variant].maps["mean_cam"][index] for variant in VARIANTS]
        figures = [results[variant].details["per_expression"][name] for variant in VARIANTS]
        entries.append(
            {
                "name": name,
                "faces": len(members),
                "units": ", ".join(key for key in listed.get(name, ()) if key in units),
                "tiles": [pictures.jpeg_uri(pictures.overlay(mean_face, _stretch(tile)), TILE) for tile in tiles],
                "att_cos": [shown(figure["att_cos"]) for figure in figures],
                "cam_cos": [shown(figure["cam_cos"]) for figure in figures],
            }
        )
    return entries


def _units(results: dict[str, Result]) -> dict[str, str]:
    """Names of the action units that were measured, by number. (A number of 0 stands for no unit.)"""
    return {key: unit["name"] for key, unit in results["guided"].details["action_units"].items() if key != "0"}


def _gallery(results: dict[str, Result], faces: ShardSet, number: int, seed: int) -> list[dict]:
    """``number`` test faces drawn by the seed, about equally many of every class."""
    actual = np.array([face["actual"] for face in results["guided"].predictions])
    shuffled = np.random.default_rng(seed).permutation(len(actual))
    rank = {index: int((actual[shuffled[:place]] == actual[index]).sum()) for place, index in enumerate(shuffled)}
    drawn = sorted(shuffled.tolist(), key=lambda index: rank[index])[:number]
    entries = []
    for index in sorted(drawn, key=lambda index: (actual[index], index)):
        row = int(results["guided"].maps["rows"][index])
        crop = faces.crop(row)
        tiles = [pictures.with_landmarks(crop, faces.row("landmarks", row))]
        maps = [results["guided"].maps["true"][index]] if results["guided"].predictions[index]["att_cos"] else []
        maps += [results[variant].maps["attention"][index] for variant in VARIANTS]
        maps += [results[variant].maps["cam"][index] for variant in VARIANTS]
        tiles += [] if results["guided"].predictions[index]["att_cos"] else [None]
        tiles += [pictures.overlay(crop, heatmap / 255) for heatmap in maps]
        entries.append(
            {
                "id": results["guided"].predictions[index]["id"],
                "actual": actual[index],
                "predicted": [results[variant].predictions[index]["predicted"] for variant in VARIANTS],
                "tiles": [None if tile is None else pictures.jpeg_uri(tile, SMALL_TILE) for tile in tiles],
            }
        )
    return entries


def _stretch(heatmap: np.ndarray) -> np.ndarray:
    """A mean map from its lowest value at 0 to its highest at 1, so that means of few and of many faces look alike."""
    low, high = heatmap.min(), heatmap.max()
    return (heatmap - low) / (high - low) if high > low else np.zeros_like(heatmap)
