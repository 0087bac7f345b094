"""Run a classifier over faces, and measure its predictions and every kind of map."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.runtime.parameters import Evaluate
from pipeline.runtime.progress import progress
from train.attribution.donors import Donors
from train.attribution.faithfulness import insertion_deletion
from train.attribution.prediction_maps import PredictionMaps, predict_maps
from train.data.augmentation import View, whole_view
from train.data.dataset import Faces
from train.data.loading import BatchLoader, split_batches
from train.data.regions import heatmap_regions
from train.evaluate import metrics
from train.evaluate.action_units import ActionUnitRegions, measure_coverage
from train.evaluate.measurements import Faithfulness, MapMeasures, Predictions, Reliance, gather, without_maps
from train.evaluate.reliance.measure import measure_reliance
from train.models.classifier import Classifier
from train.models.maps import cosine, energy, normalise


class _Units(NamedTuple):
    """The action units of B faces, as ``measure_coverage`` takes them."""

    masks: Tensor  # (B, U, n, n) bool
    listed: Tensor  # (B, U) bool
    moved: Tensor  # (B, U) bool


def predict(
    classifier: Classifier,
    faces: Faces,
    regions: ActionUnitRegions,
    input_size: int,
    params: Evaluate,
    donors: Donors | None = None,
) -> Predictions:
    """Run a classifier over all faces, and measure its predictions and its maps.

    The classifier runs once per face on its own device. For insertion and deletion (``params.insertion_steps``), and for
    what its decisions lean on, it runs more often. Everything is measured on the CPU.

    Args:
        classifier: The network, in evaluation mode.
        faces: The faces of one split. Targets beyond the classifier's classes are never predicted, and nothing is measured
            on the maps of these faces.
        regions: The action units to measure.
        input_size: Side of the classifier's input in pixels.
        params: The block ``evaluate`` of params.yaml.
        donors: Neutral faces for the measure of what decisions lean on; None leaves it out.
    """
    return gather(_measured_batches(classifier, faces, regions, input_size, params, donors), len(faces))


def _measured_batches(
    classifier: Classifier,
    faces: Faces,
    regions: ActionUnitRegions,
    input_size: int,
    params: Evaluate,
    donors: Donors | None,
) -> Iterator[Predictions]:
    device = next(classifier.parameters()).device
    batches = BatchLoader(faces, split_batches(range(len(faces)), params.batch_size))
    for batch in progress(batches, total=len(batches), title="evaluate", unit="batches"):
        view = whole_view(batch, input_size)
        unknown = view.targets >= classifier.number_of_classes  # labels without training faces: there is no map of them
        images, targets = view.images.to(device), view.targets.masked_fill(unknown, 0).to(device)
        height, width = view.heatmaps.shape[2:]
        output = predict_maps(classifier, images, targets, (height, width))
        faithfulness = None
        if params.insertion_steps:
            areas = insertion_deletion(classifier, images, targets, _class_maps(output), params.insertion_steps)
            faithfulness = Faithfulness(*(area.cpu().numpy() for area in areas))
        rows = batch.rows.tolist()
        units = _Units(regions.masks(rows), regions.listed[view.targets], regions.moved(rows))
        reliance = None
        if donors:
            probabilities = output.logits.softmax(dim=1)
            of_expressions, of_units = regions.of_expressions(rows), units.masks & units.listed[:, :, None, None]
            reliance = measure_reliance(
                classifier,
                images,
                targets,
                probabilities,
                regions=of_expressions[:, : classifier.number_of_classes],
                units=of_units,
                neutral=donors.label,
                donors=donors.draw(rows, device),
                seeds=rows,
            )
        measured = _measure_batch(output.to(torch.device("cpu")), view, batch.rows, units, faithfulness, reliance)
        yield without_maps(measured, unknown.numpy())


def _measure_batch(
    output: PredictionMaps,
    view: View,
    rows: Tensor,
    units: _Units,
    faithfulness: Faithfulness | None,
    reliance: Reliance | None,
) -> Predictions:
    return Predictions(
        rows=rows.numpy(),
        actual=view.targets.numpy(),
        predicted=output.logits.argmax(dim=1).numpy(),
        confidence=output.logits.softmax(dim=1).amax(dim=1).numpy(),
        has_map=view.has_map.numpy(),
        attention=normalise(output.maps["layer5"])[:, 0].numpy(),
        cam=_class_maps(output)[:, 0].numpy(),
        true=view.heatmaps[:, 0].numpy(),
        maps={kind: _measure_maps(maps, output.sizes[kind], view, units) for kind, maps in output.maps.items()},
        faithfulness=faithfulness,
        reliance=reliance,
    )


def _measure_maps(maps: Tensor, size: tuple[int, int], view: View, units: _Units) -> MapMeasures:
    """Measure maps (B, 1, n, n) of one kind; a face without a heatmap has NaN for the measures of agreement."""
    inside = heatmap_regions(view.heatmaps)
    coverage = measure_coverage(maps, units.masks, units.listed, units.moved)

    def known(values: Tensor) -> np.ndarray:
        return torch.where(view.has_map, values, torch.nan).numpy()

    return MapMeasures(
        size=size,
        cosine=known(cosine(maps, view.heatmaps)),
        energy=known(energy(maps, inside)[:, 0]),
        pointing=known(metrics.pointing(maps, inside)),
        iou=known(metrics.iou(maps, inside)),
        unit_concentration=coverage.units.numpy(),
        moved=coverage.moved.numpy(),
        moved_energy=coverage.moved_energy.numpy(),
        moved_area=coverage.moved_area.numpy(),
        still=coverage.still.numpy(),
    )


def _class_maps(output: PredictionMaps) -> Tensor:
    """The method's own maps (B, 1, n, n) of the actual classes, or Grad-CAM's where it has none."""
    return output.maps.get("cam", output.maps["gradcam"])
