"""Views of faces in which regions show something else, and a classifier's answers to them.

The fill of a region is the same place of a donor (``train.data.blending``), the blurred face, or the face's mean colour.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from train.attribution.faithfulness import blur
from train.data.blending import blend, fade, mix
from train.models.classifier import Classifier

Fill = Literal["donor", "blur", "mean"]


class HiddenView(NamedTuple):
    """A face of a batch with something else in some of its cells."""

    face: int  # place in the batch
    weights: Tensor  # (1, n, n) in [0, 1], of what is shown instead of the face
    fill: Fill


class HiddenViews:
    """Collects views of a batch of faces. The classifier then runs on all of them in batches."""

    def __init__(
        self, classifier: Classifier, images: Tensor, donors: Sequence[Tensor], batch_size: int | None = None
    ) -> None:
        """Begin without any view.

        Args:
            classifier: In evaluation mode, on the device of the images.
            images: (B, 3, H, W) in [0, 1].
            donors: D stacks (B, 3, H, W) in [0, 1], one at least if a view has a donor, which stands for its D views.
            batch_size: Number of views that the classifier gets at a time; None for as many as there are images.
        """
        self._classifier = classifier
        self._images = images
        self._donors = donors
        self._fills = {"blur": blur(images), "mean": images.mean(dim=(2, 3), keepdim=True).expand_as(images)}
        self._batch_size = batch_size or len(images)
        self._views: list[HiddenView] = []
        self._numbers: dict[tuple[int, bytes, Fill], int] = {}

    def hide(self, face: int, cells: Tensor, fill: Fill) -> int:
        """Note the view of a face in which some cells (n, n) bool are replaced, and return its number."""
        return self._add(face, fade(cells[None, None])[0], fill)

    def show_only(self, face: int, cells: Tensor, fill: Fill) -> int:
        """Note the view of a face in which all but some cells (n, n) bool are replaced, and return its number."""
        return self._add(face, 1 - fade(cells[None, None])[0], fill)

    def _add(self, face: int, weights: Tensor, fill: Fill) -> int:
        """Note a view. A view that is noted again keeps its number: action units may share a region."""
        key = face, weights.numpy().tobytes(), fill
        if key not in self._numbers:
            self._numbers[key] = len(self._views)
            self._views.append(HiddenView(face, weights, fill))
        return self._numbers[key]

    def probabilities(self) -> Tensor:
        """Return the classifier's probabilities (V, K) for the V views, on the CPU; means over the donors."""
        return self.probabilities_by_donor().mean(dim=0)

    @torch.no_grad()
    def probabilities_by_donor(self) -> Tensor:
        """Return the classifier's probabilities (D, V, K) for the V views with each donor, on the CPU.

        The answers to a fill without donors are the same for all D.
        """
        answers = torch.zeros(max(1, len(self._donors)), len(self._views), self._classifier.number_of_classes)
        by_fill: dict[str, list[int]] = {}
        for number, view in enumerate(self._views):
            by_fill.setdefault(view.fill, []).append(number)
        for fill, numbers in by_fill.items():
            for start in range(0, len(numbers), self._batch_size):
                part = numbers[start : start + self._batch_size]
                answers[:, part] = self._answers([self._views[number] for number in part], fill)
        return answers

    def _answers(self, views: Sequence[HiddenView], fill: str) -> Tensor:
        """The probabilities (D, V, K) for some views with the same fill; (1, V, K) for a fill without donors."""
        device = self._images.device
        faces = torch.tensor([view.face for view in views], device=device)
        weights = torch.stack([view.weights for view in views]).to(device)
        images = self._images[faces]
        if fill == "donor":
            shown = [blend(images, donors[faces], weights).clamp(0, 1) for donors in self._donors]
        else:
            shown = [mix(images, self._fills[fill][faces], weights)]
        return torch.stack([self._classifier(each).logits.softmax(dim=1) for each in shown]).cpu()
