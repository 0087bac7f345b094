"""Explain a trained classifier's answers to photos: where it looks, and what its answer needs."""

import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.codebook.schema import ExpressionAU, split_key
from pipeline.faces.picture import Picture
from pipeline.runtime.errors import InputError
from pipeline.runtime.memory import release_free_memory
from pipeline.runtime.parameters import Detect
from pipeline.runtime.status import Status
from train.attribution.donors import Donors, find_donors
from train.attribution.prediction_maps import predict_maps
from train.attribution.unit_regions import render_regions
from train.data.augmentation import whole_view
from train.data.dataset import Batch, Faces, open_shards
from train.explain.answers.face_explanation import FaceExplanation
from train.explain.answers.needed import Needs, face_areas, measure_needs
from train.explain.answers.photo_faces import DETECT, PhotoFace, Which, face_settings, faces_in
from train.explain.answers.words import Unit, sentence
from train.models import checkpoint as checkpoints
from train.models.devices import chosen_device
from train.models.maps import concentration, normalise

DONORS = 3  # neutral faces that stand in for a region, one after another


class Explainer:
    """A trained classifier that explains its answers.

    >>> explanations = Explainer("data/train/guided/model.safetensors")(image)  # doctest: +SKIP

    Attributes:
        classes: The classes, in the order of the probabilities.
        keys: (U) the action units: FACS numbers, as "12", or with a side, as "14R".
        names: (U) their FACS names.
        settings: How faces are looked for.
        config: The classifier's config.
        codebook: The codebook of the regions.
        notes: Sentences that a reader of the explanations should know.
        measures_needs: Whether it is measured what answers need.
        donors_digest: Digest of the face shards whose neutral faces stand in for regions; empty without any.
    """

    def __init__(
        self,
        checkpoint: Path | str,
        *,
        codebook: str | None = None,
        which: Which = "all",
        shards: tuple[Path | str, Path | str] | None = None,
        needed: bool = True,
        detect: Detect = DETECT,
        predictor: str | None = None,
        device: str = "auto",
    ) -> None:
        """Load a classifier.

        Args:
            checkpoint: A model.safetensors that ``aucue train`` wrote.
            codebook: Name or path of the codebook of the regions; None for the one that the classifier's heatmaps are of.
            which: Whether all faces of a photo are explained, or the largest.
            shards: Folders of face shards and of heatmap shards, whose neutral faces stand in for regions; None for the
                blurred face instead.
            needed: Whether to measure what answers need, which takes most of the time.
            detect: How to look for faces.
            predictor: Path of a 68-point dlib model; None for the packaged model.
            device: auto, cpu, cuda or mps.

        Raises:
            InputError: If a file cannot be read, or the classifier's faces were aligned with another predictor.
        """
        self._device = chosen_device(device)
        classifier, self.config = checkpoints.load(Path(checkpoint))
        self._classifier = classifier.to(self._device)
        self.classes = self.config.classes
        self.codebook = codebooks.load(codebook or self.config.heatmaps["codebook"])
        self.settings = face_settings(self.config.faces, detect, predictor, which)
        self.keys = _units_of(self.codebook)
        self.names = [self.codebook.names[split_key(key)[0]] for key in self.keys]
        self.notes = self._notes()
        self.measures_needs = needed
        self.donors_digest = ""
        self._donors = self._find_donors(shards) if shards and needed else None
        if needed and not self._donors:
            self.notes.append("no neutral face is at hand: a region is blurred instead of replaced, which is a weaker test")

    def __call__(self, image: np.ndarray) -> list[FaceExplanation]:
        """Explain the answers to all faces of a photo (h, w, 3) uint8 RGB, upright; one entry at least."""
        return self.explain(faces_in(Picture(image), self.settings))

    @property
    def fill(self) -> str:
        """What regions are replaced with."""
        return f"neutral faces of the {self._donors.split} split" if self._donors else "the blurred face"

    def explain_all(self, photos: Sequence[Sequence[PhotoFace]]) -> list[list[FaceExplanation]]:
        """Explain the answers to the faces of several photos, as one batch."""
        answers = iter(self.explain([face for faces in photos for face in faces]))
        return [[next(answers) for _ in faces] for faces in photos]

    def explain(self, faces: Sequence[PhotoFace]) -> list[FaceExplanation]:
        """Explain the answers to faces that were found, as one batch."""
        seen = [face for face in faces if face.status == Status.OK]
        answers = iter(self._answers(seen) if seen else [])
        release_free_memory()  # the number of replaced regions, and so the size of the tensors, varies from batch to batch
        return [
            next(answers) if face.status == Status.OK else FaceExplanation(face.status, face.reason, face.box)
            for face in faces
        ]

    def prepare(self, crops: Sequence[np.ndarray]) -> Tensor:
        """Return crops, each (S, S, 3) uint8 RGB, as the classifier sees them: (B, 3, H, W) in [0, 1] on its device."""
        images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        nothing = torch.zeros(len(crops), dtype=torch.int64)  # the batch is one of evaluate, without heatmaps and labels
        batch = Batch(images, torch.zeros(len(crops), 1, 1, 1, dtype=torch.uint8), nothing.bool(), nothing, nothing)
        return whole_view(batch, self.config.train["input_size"]).images.to(self._device)

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Return the logits (B, K) for images (B, 3, H, W) as ``prepare`` returns them."""
        return self._classifier(images).logits

    def _answers(self, faces: Sequence[PhotoFace]) -> list[FaceExplanation]:
        size, crop_size = self.config.heatmaps["size"], self.config.faces["crop_size"]
        images = self.prepare([face.crop for face in faces])
        answers = self.classify(images).argmax(dim=1)
        output = predict_maps(self._classifier, images, answers, (size, size)).to(torch.device("cpu"))
        probabilities = output.logits.softmax(dim=1)
        landmarks = np.stack([face.crop_landmarks for face in faces])
        cues = [[ExpressionAU(au=key)] for key in self.keys]
        regions = render_regions(self.codebook, landmarks, crop_size, cues, size)
        attention = output.maps["layer5"]
        needs = self._needs(images, probabilities, regions, face_areas(landmarks, crop_size, size), faces)
        class_maps = output.maps.get("cam", output.maps["gradcam"])
        seen = concentration(attention, regions).numpy()
        return [
            self._explanation(face, *values)
            for face, *values in zip(
                faces,
                probabilities.numpy(),
                seen,
                needs,
                normalise(attention)[:, 0].numpy(),
                class_maps[:, 0].numpy(),
                regions.numpy(),
                strict=True,
            )
        ]

    def _needs(
        self, images: Tensor, probabilities: Tensor, regions: Tensor, areas: Tensor, faces: Sequence[PhotoFace]
    ) -> list[Needs | None]:
        if not self.measures_needs:
            return [None] * len(faces)
        seeds = [zlib.crc32(face.crop.tobytes()) for face in faces]
        donors = self._donors.draw(seeds, self._device) if self._donors else []
        return list(measure_needs(self._classifier, images, probabilities, regions, areas, donors, seeds))

    def _explanation(
        self,
        face: PhotoFace,
        probabilities: np.ndarray,
        seen: np.ndarray,
        needs: Needs | None,
        attention: np.ndarray,
        class_map: np.ndarray,
        regions: np.ndarray,
    ) -> FaceExplanation:
        answer = int(probabilities.argmax())
        listed = {cue.au for cue in self.codebook.cues.get(self.classes[answer], ())}
        units = tuple(
            Unit(
                key=key,
                name=name,
                seen=float(seen[place]),
                needed=float(needs.needed[place]) if needs else math.nan,
                spread=float(needs.spread[place]) if needs else math.nan,
                is_listed=key in listed,
                instead=self.classes[needs.answers[place]] if needs and needs.answers[place] >= 0 else "",
            )
            for place, (key, name) in enumerate(zip(self.keys, self.names, strict=True))
        )
        probability = float(probabilities[answer])
        return FaceExplanation(
            status=Status.OK,
            box=face.box,
            landmarks=face.landmarks,
            expression=self.classes[answer],
            probability=probability,
            probabilities=dict(zip(self.classes, map(float, probabilities), strict=True)),
            units=units,
            crop=face.crop,
            attention=attention,
            class_map=class_map,
            regions=regions,
            sentence=sentence(self.classes[answer], probability, units),
        )

    def _notes(self) -> list[str]:
        notes = []
        if self.codebook.digest() != self.config.heatmaps["codebook_sha256"]:
            trained = self.config.heatmaps["codebook"]
            notes.append(
                f"the classifier's heatmaps are of another codebook, {trained}, than the regions, {self.codebook.name}"
            )
        unknown = [name for name in self.classes if name not in self.codebook.cues]
        if unknown:
            notes.append(f"codebook {self.codebook.name} has no expression {', '.join(unknown)}")
        return notes

    def _find_donors(self, shards: tuple[Path | str, Path | str]) -> Donors | None:
        try:
            faces, heatmaps = open_shards(*map(Path, shards))
        except InputError as error:
            self.notes.append(str(error))
            return None
        self.donors_digest = faces.digest()
        splits = set(faces.column("split").tolist())
        train, validation = (
            Faces(faces, heatmaps, split, self.classes, drop_others=True) if split in splits else None
            for split in ("train", "validation")
        )
        return find_donors(train, validation, self.config, DONORS) if train else None


def _units_of(book: Codebook) -> list[str]:
    """The action units that the codebook's expressions list, in the order of their numbers."""
    return sorted({cue.au for cues in book.cues.values() for cue in cues}, key=split_key)
