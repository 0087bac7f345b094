"""Stage evaluate: measure a trained variant on the test faces.

It writes four files. Cosines are means per expression, then over expressions (macro).

``metrics.json``     the headline figures:
    accuracy; balanced_accuracy and macro_f1, which are means over the expressions that have test faces;
    att_cos (of layer 5), cam_cos (of the method's own map; null if the method has none), gradcam_cos, gradcam_pp_cos and
    layercam_cos (at layer 5);
    ece (expected calibration error, 15 bins);
    needed, enough, leak: what decisions lean on (``train/evaluate/reliance/measure.py``), means over the faces that tell;
    null if evaluate.donors is 0, no class is neutral, the codebook was not found, or no face tells: needed and enough take
    two expressions, leak takes neutral test faces;
    faces, photos, faces_with_map: their numbers.

``details.json``     all that is behind these figures. A kind of map is layer1 to layer5, cam, gradcam, gradcam_pp,
    gradcam_pp_divided or layercam (``train/attribution/prediction_maps.py``, ``train/attribution/cams.py``):
    trained: the config of the checkpoint; classes;
    dataset: the number of photos, a digest of the photos and their labels that does not depend on the splits, and a digest
    of the splits;
    settings: thresholds and numbers that the figures depend on;
    intervals: 95 % bootstrap intervals of the headline figures (``train/evaluate/bootstrap.py``);
    att_cos_of_layer: ATT-COS of each layer;
    per_expression: faces, faces_with_map and recall, and the same measures as in maps;
    confusion: counts by actual, then predicted expression; calibration: the error and its bins;
    maps: per kind its size, its macro cos, energy, pointing and iou (``train/evaluate/metrics.py``), and its controls,
    cosines of maps that no network made (``train/evaluate/aggregate.py``); controls: those of layer5;
    own_expression: how often attention is closest to the mean map of the face's own expression;
    units_of_expression, action_units: how many times denser each kind of map is on the region of a single action unit than
    on average (1 is a constant map; ``train/evaluate/au_coverage.py``);
    moved: the same on the regions that moved, where the dataset knows them, else null;
    faithfulness: insertion and deletion (``train/attribution/faithfulness.py``); null if evaluate.insertion_steps is 0;
    reliance: all that is measured on what decisions lean on (``train/evaluate/reliance/aggregate.py``), or null;
    without_map: number and share of the test faces without a heatmap, or of a label that no training face has;
    untrained_labels: only if test faces have labels that no training face has: evaluate.untrained_labels, and the number of
    these faces by label. If they count, their labels are the last of the classes; their maps are not measured;
    notes: sentences on what the figures do not show.

``predictions.csv``  one row per test face: id, actual, predicted, att_cos, cam_cos, confidence, the other cosines of
    metrics.json, and needed, enough (1 if right, 0 if wrong) and leak. A value is empty for a face that does not tell.

``maps.npz``         per face, in the order of predictions.csv: rows (N,) of the shard set, has_map (N,) bool, and
    attention, cam and true (N, n, n) uint8, where 255 stands for 1; per class: classes (K,), mean_attention, mean_cam and
    mean_true (K, n, n) float32, zeros for a class without heatmaps. cam is Grad-CAM's if the method has no maps of its own.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.runtime import class_counts
from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.cache import json_digest
from pipeline.runtime.parameters import Evaluate, Train
from pipeline.shards import ShardSet
from train.attribution.donors import find_donors
from train.data import source_bias
from train.data.dataset import Faces, count_faces, open_shards
from train.data.regions import REGION_THRESHOLD
from train.evaluate import action_units, aggregate, artifacts, au_coverage, bootstrap, metrics, notes
from train.evaluate.action_units import ActionUnitRegions, find_codebook
from train.evaluate.measurements import Predictions
from train.evaluate.predict import predict
from train.evaluate.reliance import aggregate as reliance
from train.evaluate.reliance import measure
from train.models import checkpoint as checkpoints
from train.models.devices import chosen_device
from train.models.guidance import Guidance

# The folders whose code decides the output.
ROOMS = (
    "train/evaluate",
    "train/attribution",
    "train/models",
    "train/data",
    "pipeline/codebook",
    "pipeline/shards",
)


def main(
    *,
    params: Evaluate,
    checkpoint: Path,
    faces_dir: Path,
    heatmaps_dir: Path,
    out_dir: Path,
    codebook: str | None = None,
    variant: str | None = None,
) -> dict[str, Any]:
    """Evaluate a checkpoint on the test split, and write the files that this module describes.

    Args:
        params: The block ``evaluate`` of params.yaml.
        checkpoint: The trained classifier.
        faces_dir: Folder of the face shards.
        heatmaps_dir: Folder of the heatmap shards that the classifier was trained with.
        out_dir: Folder to write.
        codebook: Name or path of the heatmaps' codebook; not needed for a codebook of the package.
        variant: The variant that the checkpoint must be; None accepts either.

    Returns:
        The content of ``metrics.json``.

    Raises:
        InputError: If the checkpoint is another variant or was trained on other heatmaps, or the test split is empty.
    """
    artifacts.refuse_foreign_files(out_dir)
    classifier, config = checkpoints.load(checkpoint)
    if variant not in (None, config.variant):
        raise InputError(
            f"{checkpoint} is a {config.variant} model, not {variant}: "
            f"give a {variant} checkpoint, or --variant {config.variant}"
        )
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    if config.heatmaps != heatmaps.provenance:
        raise InputError(f"{checkpoint} was trained on other heatmaps than {heatmaps_dir}: run `aucue train` again")
    test, untrained, classes = _test_faces(faces, heatmaps, config.classes, params)
    train = Faces(faces, heatmaps, "train", classes)
    regions = ActionUnitRegions(faces, find_codebook(heatmaps, codebook), classes, heatmaps.provenance["size"])
    device = chosen_device(params.device)
    donors = find_donors(train, _validation(faces, heatmaps, config), config, params.donors) if regions.codebook else None
    predictions = predict(classifier.to(device), test, regions, config.train["input_size"], params, donors)
    figures = aggregate.headline_metrics(predictions, classes) | reliance.headline(predictions)
    counts = {"faces": len(test), "photos": test.photos, "faces_with_map": int(predictions.has_map.sum())}
    without = len(test) - counts["faces_with_map"]
    details = {
        "trained": vars(config),
        "dataset": dataset_digests(faces),
        "classes": classes,
        "settings": _settings(params),
        **_figure_details(predictions, regions, train, classes),
        "faithfulness": aggregate.faithfulness_details(predictions, params.insertion_steps),
        "reliance": reliance.details(predictions, donors, regions.keys, classes),
        "without_map": {"faces": without, "share": without / len(test)},
    }
    if untrained:
        details["untrained_labels"] = {"policy": params.untrained_labels, "faces": untrained}
    untested = [name for index, name in enumerate(classes) if index not in test.targets]
    details["notes"] = notes.label_notes(untrained, params.untrained_labels, untested)
    details["notes"] += _notes(predictions, figures, details["maps"], config, regions, train)
    wanted = params.donors > 0 and regions.codebook is not None
    details["notes"] += notes.decision_notes(wanted=wanted, measured=donors is not None)
    artifacts.write(
        out_dir, metrics=figures | counts, details=details, predictions=predictions, faces=faces, classes=classes
    )
    return figures | counts


def _test_faces(
    faces: ShardSet, heatmaps: ShardSet, trained: tuple[str, ...], params: Evaluate
) -> tuple[Faces, dict[str, int], tuple[str, ...]]:
    """The test faces; the labels without training faces and how many test faces have them; and the classes to evaluate.

    The classes are those of the classifier and, if the test faces of other labels are counted, then these labels.
    """
    counts = Counter({place: number for place, number in count_faces(faces).items() if place[1] != "validation"})
    class_counts.refuse_untrained(counts, "face", params.untrained_labels, "train on photos of it")
    untrained = class_counts.untrained(counts)
    classes = (*trained, *untrained) if params.untrained_labels == "count" else trained
    return Faces(faces, heatmaps, "test", classes, drop_others=params.untrained_labels == "exclude"), untrained, classes


def _validation(faces: ShardSet, heatmaps: ShardSet, config: checkpoints.Config) -> Faces | None:
    """The validation faces, of which the donors are; None without any."""
    has_any = any(split == "validation" for _, split in count_faces(faces))
    return Faces(faces, heatmaps, "validation", config.classes, drop_others=True) if has_any else None


def dataset_digests(faces: ShardSet) -> dict[str, object]:
    """Identify a dataset, independently of the order of its photos.

    Returns:
        The number of ``photos``; ``sha256`` over their ids and labels, which does not depend on the splits; and
        ``splits_sha256`` over their ids and splits.
    """
    columns = {name: column.tolist() for name, column in faces.columns("id", "label", "split").items()}
    labels, splits = (sorted(zip(columns["id"], columns[name], strict=True)) for name in ("label", "split"))
    return {"photos": len(labels), "sha256": json_digest(labels), "splits_sha256": json_digest(splits)}


def guidance_of(config: checkpoints.Config) -> Guidance:
    """Return what guided the training of a checkpoint."""
    return Guidance.of_params(Train.model_validate(config.train))


def _figure_details(
    predictions: Predictions, regions: ActionUnitRegions, train: Faces, classes: tuple[str, ...]
) -> dict[str, Any]:
    """The parts of details.json that are computed from the predictions."""
    means = aggregate.class_mean_maps(train, classes)
    controls = aggregate.control_cosines(predictions, means, classes)
    return {
        **aggregate.classification_details(predictions, classes),
        "maps": aggregate.map_details(predictions, classes, controls),
        "controls": controls["layer5"],
        "own_expression": aggregate.expression_discrimination(predictions, means, classes),
        "units_of_expression": au_coverage.coverage_by_expression(predictions, regions, classes),
        "action_units": au_coverage.coverage_by_unit(predictions, regions),
        "moved": au_coverage.movement_coverage(predictions),
    }


def _settings(params: Evaluate) -> dict[str, Any]:
    """The constants that the figures depend on, for readers who do not have the code."""
    return {
        "region": REGION_THRESHOLD,
        "attended": metrics.ATTENDED_THRESHOLD,
        "pointing_tolerance": metrics.POINTING_TOLERANCE,
        "calibration_bins": metrics.CALIBRATION_BINS,
        "moved": action_units.MOVED_INTENSITY,
        "intervals": {
            "resamples": bootstrap.RESAMPLES,
            "level": bootstrap.LEVEL,
            "seed": bootstrap.SEED,
            "stratified": "by class",
        },
        "insertion_steps": params.insertion_steps,
        "reliance": {"donors": params.donors, "pairs": measure.PAIRS, "alike": measure.ALIKE},
    }


def _notes(
    predictions: Predictions,
    figures: dict[str, float | None],
    maps: dict[str, dict],
    config: checkpoints.Config,
    regions: ActionUnitRegions,
    train: Faces,
) -> list[str]:
    """The notes of details.json."""
    controls = {kind: entry["controls"] for kind, entry in maps.items()}
    return [
        *notes.collapse_notes(predictions, config.classes, config.variant),
        *notes.guidance_notes(figures, controls, guidance_of(config)),
        *notes.codebook_notes(found=regions.codebook is not None),
        *(notes.as_sentences(source_bias.notes(train, config.classes)) if config.train["colour"] else []),
    ]
