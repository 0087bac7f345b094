"""The network of an exported file: a classifier, and its maps at the heatmaps' size as evaluate computes and stores them."""

import torch
from torch import Tensor, nn

from train.models.classifier import Classifier
from train.models.maps import attention_map, cam_map, normalise

INPUT = "images"
OUTPUTS = ("logits", "attention", "class_maps")  # a method without maps has the first two


class ExportedNetwork(nn.Module):
    """A classifier that gives the outputs of an exported file."""

    def __init__(self, classifier: Classifier, input_size: int, map_size: int) -> None:
        """Wrap a classifier.

        Args:
            classifier: In evaluation mode.
            input_size: Height and width S of its images in pixels.
            map_size: Height and width n of the heatmaps in cells.
        """
        super().__init__()
        self.classifier = classifier
        self.input_size = input_size
        self.map_size = map_size
        self.eval()
        with torch.no_grad():
            self.output_names = OUTPUTS[: len(self(torch.zeros(1, 3, input_size, input_size)))]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run the classifier.

        Args:
            images: (B, 3, S, S) float in [0, 1], RGB.

        Returns:
            logits (B, K); attention (B, 1, n, n) of the last layer, as ``maps.npz`` holds it; and, if the method has maps,
            those of all classes (B, K, n, n), as ``maps.npz`` holds that of the true class. Maps are in [0, 1].
        """
        output = self.classifier(images)
        size = (self.map_size, self.map_size)
        attention = normalise(attention_map(output.layers[-1], size))
        if output.maps is None:
            return output.logits, attention
        class_maps = cam_map(output.maps.flatten(0, 1), size)  # (B * K, 1, n, n)
        return output.logits, attention, class_maps.unflatten(0, (-1, output.maps.shape[1]))[:, :, 0]
