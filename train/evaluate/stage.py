"""Stage evaluate: what a trained variant does on the test faces.

``metrics.json``   the headline figures: accuracy, balanced_accuracy, macro_f1; att_cos (layer 5), cam_cos (the method's own
                   map; null without one), gradcam_cos, gradcam_pp_cos and layercam_cos (at layer 5); ece (calibration error,
                   15 bins); the numbers of faces, photos and faces_with_map. Cosines are means per expression, then over
                   expressions (macro)
``details.json``   what is behind them, where a kind is layer1 to layer5, cam, gradcam, gradcam_pp, gradcam_pp_divided or
                   layercam (train/seen.py, train/cams.py):
                   trained, classes; dataset: number of its photos, a digest of them and their labels whatever their splits,
                   and one of the splits; settings: thresholds of what follows;
                   intervals: 95 % bootstrap intervals of the headline figures (train/intervals.py);
                   maps: per kind its size, its macro cos, energy, pointing and iou (train/metrics.py), and the cosines of
                   controls that tell what a cosine means; controls: those of layer 5;
                   per_expression: faces, recall, and the same measures; att_cos_of_layer; own_expression; confusion;
                   calibration; action_units and units_of_expression: concentration of every kind of map on single units'
                   regions, moved: on what truly moved where that is known (train/coverage.py; 1 is a constant map);
                   faithfulness: insertion and deletion (train/faithfulness.py), where evaluate.insertion_steps is not 0;
                   without_map: number and share of test faces; notes: sentences on what the figures do not show
``predictions.csv``  one row per test face: id, actual, predicted, att_cos, cam_cos, confidence and the other cosines of
                   metrics.json; a cosine is empty without a map
``maps.npz``       per face, in the order of predictions.csv: rows (N,) of the shard set, and attention, cam and true
                   (N, n, n) uint8, 255 being 1; per class: classes (K,), mean_attention, mean_cam, mean_true (K, n, n)
                   float32, zeros where a class has no map. cam is Grad-CAM's where the method has no maps of its own
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.runtime.cache import json_digest
from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Evaluate
from pipeline.runtime.progress import progress
from pipeline.shards import ShardSet
from train.data import source_bias as colour
from train.data.augmentation import View, whole_view
from train.data.dataset import Faces, in_batches, loader, open_shards
from train.evaluate import action_units as units
from train.evaluate import aggregate as scores
from train.evaluate import artifacts as results
from train.evaluate import au_coverage as coverage
from train.evaluate import bootstrap as intervals
from train.evaluate import metrics, written
from train.evaluate.action_units import ActionUnitRegions
from train.evaluate.aggregate import Predictions
from train.evaluate.figures import HEADLINE_COSINES, unlearnt
from train.explain.faithfulness import insertion_deletion
from train.explain.prediction_maps import PredictionMaps, predict_maps
from train.models import checkpoint as checkpoints
from train.models.classifier import Classifier
from train.models.devices import chosen_device
from train.models.maps import cosine, normalise

ROOMS = (
    "train/evaluate",
    "train/explain",
    "train/models",
    "train/data",
    "pipeline/codebook",
    "pipeline/shards",
)  # whose code decides the output
FAITHFULNESS = ("insertion", "deletion")
COLLAPSED = 0.9  # share of the test faces that one expression gets, from which on a classifier tells none apart


def main(
    *,
    params: Evaluate,
    checkpoint: Path,
    faces_dir: Path,
    heatmaps_dir: Path,
    out_dir: Path,
    codebook: str | None = None,
    variant: str | None = None,
) -> dict:
    """Evaluate a checkpoint on the test split and write the files above; returns the content of ``metrics.json``.

    ``codebook`` is the name or path of the one that the heatmaps were rendered by; it is found without if it comes with the
    package. ``variant`` is the one that the checkpoint has to be; None takes either.
    """
    classifier, config = checkpoints.load(checkpoint)
    if variant not in (None, config.variant):
        raise InputError(f"{checkpoint} is a {config.variant} model: name the {variant} one, or --variant {config.variant}")
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    if config.heatmaps != heatmaps.provenance:
        raise InputError(f"{checkpoint} was trained on other heatmaps than {heatmaps_dir}: run `aucue train` again")
    classes = config.classes
    test = Faces(faces, heatmaps, "test", classes)
    book = units.codebook_of(heatmaps, codebook)
    regions = ActionUnitRegions(faces, book, classes, heatmaps.provenance["size"])
    predictions = predict(classifier.to(chosen_device(params.device)), test, regions, config.train["input_size"], params)
    found = scores.score(predictions, classes)
    train = Faces(faces, heatmaps, "train", classes)
    means, numbers = scores.class_means(train, classes)
    controls = scores.controls(predictions, means, numbers, classes)
    headline = found.pop("macro")
    figures = {**headline, "faces": len(test), "photos": test.photos, "faces_with_map": int(test.has_map.sum())}
    without = len(test) - figures["faces_with_map"]
    details = {
        "trained": vars(config),
        "dataset": _dataset(faces),
        "classes": classes,
        "settings": _settings(params),
        **found,
        "maps": scores.of_kinds(predictions, classes, controls),
        "controls": controls["layer5"],
        "own_expression": scores.own_expression(predictions, means, numbers, classes),
        "units_of_expression": coverage.of_expressions(predictions, regions, classes),
        "action_units": coverage.of_units(predictions, regions),
        "moved": coverage.of_movement(predictions),
        "faithfulness": _faithfulness(predictions, params.insertion_steps),
        "without_map": {"faces": without, "share": without / len(test)},
        "notes": [
            *_collapse(predictions, config),
            *_notes(headline, controls, config, book is None),
            *_sources(train, config),
        ],
    }
    (out_dir / "details.json").unlink(missing_ok=True)  # by which an evaluation is found: without it there is none
    results.write_json(out_dir / "metrics.json", figures)
    written.write_predictions(out_dir / "predictions.csv", predictions, faces, classes)
    written.write_maps(out_dir / "maps.npz", predictions, classes)
    results.write_json(out_dir / "details.json", details)
    return figures


def _dataset(faces: ShardSet) -> dict[str, object]:
    """Its photos and labels, whatever their splits: what tells it from another one; and its splits, wherever it lies."""
    columns = {name: column.tolist() for name, column in faces.columns("id", "label", "split").items()}
    photos, splits = (sorted(zip(columns["id"], columns[name], strict=True)) for name in ("label", "split"))
    return {"photos": len(photos), "sha256": json_digest(photos), "splits_sha256": json_digest(splits)}


def predict(
    classifier: Classifier, faces: Faces, regions: ActionUnitRegions, input_size: int, params: Evaluate
) -> Predictions:
    """Run the classifier over all faces once, but for insertion and deletion, where it is; measure on the CPU."""
    device = next(classifier.parameters()).device
    columns: dict[str, list[Tensor]] = {}
    batches = loader(faces, in_batches(range(len(faces)), params.batch_size))
    for batch in progress(batches, total=len(batches), title="evaluate", unit="batches"):
        view = whole_view(batch, input_size)
        images, targets = view.images.to(device), view.targets.to(device)
        seen = predict_maps(classifier, images, targets, view.heatmaps.shape[2:])
        measured = {}
        if params.insertion_steps:
            own = seen.maps.get("cam", seen.maps["gradcam"])
            areas = insertion_deletion(classifier, images, targets, own, params.insertion_steps)
            measured = {f"faithfulness.{name}": area.cpu() for name, area in zip(FAITHFULNESS, areas, strict=True)}
        seen = seen.to(torch.device("cpu"))
        measured |= _measure(seen, view) | _cover(seen, view, batch.rows, regions)
        measured["rows"] = batch.rows
        for name, value in measured.items():
            columns.setdefault(name, []).append(value)
    table = {name: torch.cat(values).numpy() for name, values in columns.items()}
    single = {name: table.pop(name) for name in list(table) if "." not in name}
    units_found = {kind: table.pop(f"units.{kind}") for kind in seen.sizes}
    names = ("moved", "moved_energy", "moved_area", "still")
    moved = {kind: {name: table.pop(f"{name}.{kind}") for name in names} for kind in seen.sizes}
    areas = {name: table.pop(f"faithfulness.{name}") for name in FAITHFULNESS if params.insertion_steps}
    return Predictions(**single, measures=table, sizes=seen.sizes, units=units_found, moved=moved, faithfulness=areas)


def _measure(seen: PredictionMaps, view: View) -> dict[str, Tensor]:
    """What the fields of Predictions hold, and its ``measures``, of a batch."""
    probabilities = seen.logits.softmax(dim=1)
    inside = metrics.regions(view.heatmaps)
    found = {}
    for kind, maps in seen.maps.items():
        found[f"cos.{kind}"] = cosine(maps, view.heatmaps)
        found[f"energy.{kind}"] = metrics.energy(maps, inside)[:, 0]
        found[f"pointing.{kind}"] = metrics.pointing(maps, inside)
        found[f"iou.{kind}"] = metrics.overlap(maps, inside)
    found = {name: torch.where(view.has_map, values, torch.nan) for name, values in found.items()}
    return found | {
        "actual": view.targets,
        "predicted": seen.logits.argmax(dim=1),
        "confidence": probabilities.amax(dim=1),
        "has_map": view.has_map,
        "attention": normalise(seen.maps["layer5"])[:, 0],
        "cam": seen.maps.get("cam", seen.maps["gradcam"])[:, 0],
        "true": view.heatmaps[:, 0],
    }


def _cover(seen: PredictionMaps, view: View, rows: Tensor, regions: ActionUnitRegions) -> dict[str, Tensor]:
    """What units.measure finds of every kind of map."""
    places = rows.tolist()
    masks, moved = regions.masks(places), regions.moved(places)
    listed = regions.listed[view.targets]
    return {
        f"{name}.{kind}": values
        for kind, maps in seen.maps.items()
        for name, values in units.measure(maps, masks, listed, moved).items()
    }


def _settings(params: Evaluate) -> dict:
    """What the figures depend on, for who reads them without the code."""
    return {
        "region": metrics.REGION,
        "attended": metrics.ATTENDED,
        "pointing_tolerance": metrics.TOLERANCE,
        "calibration_bins": metrics.BINS,
        "moved": units.MOVED,
        "intervals": {
            "resamples": intervals.RESAMPLES,
            "level": intervals.LEVEL,
            "seed": intervals.SEED,
            "stratified": "by class",
        },
        "insertion_steps": params.insertion_steps,
    }


def _faithfulness(predictions: Predictions, steps: int) -> dict | None:
    """Means over all test faces of the plain map's insertion (from the blurred image) and deletion (to the mean colour)."""
    if not steps:
        return None
    kind = "cam" if "cam" in predictions.sizes else "gradcam"
    areas = {name: float(values.mean()) for name, values in predictions.faithfulness.items()}
    return {"map": kind, "steps": steps, "insertion_from": "blurred image", "deletion_to": "mean colour", **areas}


def _notes(headline: dict, controls: dict, config: checkpoints.Config, no_codebook: bool) -> list[str]:
    """What the figures do not show, in sentences."""
    found = []
    for title, metric, weight in (("attention", "att_cos", "lambda"), ("CAM", "cam_cos", "cam_lambda")):
        if title.lower() in config.train["align"] and config.train[weight] > 0:
            constant = controls.get(HEADLINE_COSINES[metric], {}).get("training_mean")
            found.append(unlearnt(f"Guided {title}", headline[metric], constant))
    if no_codebook:
        found.append("The codebook of the heatmaps was not found, so action units were not measured one by one.")
    return [sentence for sentence in found if sentence]


def _collapse(predictions: Predictions, config: checkpoints.Config) -> list[str]:
    """A sentence where nearly all faces are called the same, though they are not."""
    calls = np.bincount(predictions.predicted, minlength=len(config.classes))
    share, most = calls.max() / calls.sum(), int(calls.argmax())
    if share < COLLAPSED or (predictions.actual == most).mean() >= COLLAPSED:
        return []
    return [
        f"The {config.variant} classifier calls {share:.0%} of the test faces {config.classes[most]}: it tells no "
        "expressions apart, and its maps explain nothing."
    ]


def _sources(train: Faces, config: checkpoints.Config) -> list[str]:
    """What the classifier may have learnt in place of expressions, in sentences."""
    found = colour.notes(train, config.classes) if config.train["colour"] else []
    return [f"{note[0].upper()}{note[1:]}." for note in found]
