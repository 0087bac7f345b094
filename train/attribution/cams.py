"""Class activation maps from gradients: the cells of a layer that support a class.

Each map weights a layer's features F (B, C, h, w) by the gradient G, of the same shape, of each sample's own target logit.
The maps (B, h, w) are non-negative and not normalised (``train.models.maps.cam_map`` normalises them).

The maps work for any network. ``target_gradients`` computes G by autograd alone: it leaves no hook behind, and changes
neither the gradients of parameters nor the mode of a module.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.classifier import Classifier, Output


def grad_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM: relu(sum over channels of F times the mean of G) (Selvaraju et al. 2017, arXiv 1610.02391, eq. 1 and 2)."""
    return F.relu((features * gradients.mean(dim=(2, 3), keepdim=True)).sum(dim=1))


def grad_cam_pp(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++ as most people run it: relu(sum over channels of F times w), w = sum over cells of G² relu(G).

    The package torchcam means to divide G² as ``grad_cam_pp_divided`` does, but it divides a copy that it then drops. So
    torchcam returns this map.
    """
    weights = (gradients**2 * F.relu(gradients)).sum(dim=(2, 3), keepdim=True)
    return F.relu((features * weights).sum(dim=1))


def grad_cam_pp_divided(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++ as it was published (Chattopadhay et al. 2018, arXiv 1710.11063, equations 5 and 19).

    The map is relu(sum over channels of F times w) with w = sum over cells of alpha relu(G), where alpha is
    G² / (2 G² + G³ sum over cells of F). G² is cancelled from the fraction, because G² may be too small for a float.
    """
    denominator = 2 + gradients * features.sum(dim=(2, 3), keepdim=True)
    weights = torch.where(gradients > 0, gradients / denominator, 0).sum(dim=(2, 3), keepdim=True)
    return F.relu((features * weights).sum(dim=1))


def layer_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM of one layer: relu(sum over channels of F relu(G)), cell by cell (Jiang et al. 2021, equations 6 and 7)."""
    return F.relu((features * F.relu(gradients)).sum(dim=1))


GRADIENT_MAPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradcam": grad_cam,
    "gradcam_pp": grad_cam_pp,
    "gradcam_pp_divided": grad_cam_pp_divided,
    "layercam": layer_cam,
}


def gradient_maps(classifier: Classifier, images: Tensor, targets: Tensor, layer: int = 5) -> dict[str, Tensor]:
    """Compute every map of GRADIENT_MAPS at a layer.

    Args:
        classifier: It runs in evaluation mode, in which an image's map does not depend on the other images.
        images: (B, 3, H, W) in [0, 1].
        targets: (B,) each image's target class.
        layer: 1 to 5.

    Returns:
        Maps (B, h, w) by name.

    Raises:
        ValueError: If the layer does not exist, or precedes layer 5 of a backbone that supports no layer hook.
    """
    features, gradients, _ = target_gradients(classifier, images, targets, layer)
    return {name: compute(features, gradients) for name, compute in GRADIENT_MAPS.items()}


def target_gradients(
    classifier: Classifier, images: Tensor, targets: Tensor, layer: int = 5
) -> tuple[Tensor, Tensor, Output]:
    """Compute a layer's features, and the gradient of each image's own target logit with respect to them.

    Autograd records nothing before the layer: at layer 5, the gradient costs the method's own backward pass alone.

    Args:
        classifier: As in ``gradient_maps``.
        images: As in ``gradient_maps``.
        targets: As in ``gradient_maps``.
        layer: As in ``gradient_maps``.

    Returns:
        Features (B, C, h, w), gradients (B, C, h, w), and the classifier's output.

    Raises:
        ValueError: As in ``gradient_maps``.
    """
    if not 1 <= layer <= 5:
        raise ValueError(f"there is no layer {layer}: use 1 to 5")
    if layer < 5 and not classifier.backbone.supports_layer_hook:
        raise ValueError(f"this backbone cannot be cut after layer {layer}, only after layer 5")
    leaves: list[Tensor] = []

    def cut(number: int, hidden: Tensor) -> Tensor:
        if number != layer:
            return hidden
        leaves.append(hidden.detach().requires_grad_())
        torch.set_grad_enabled(True)  # for the rest of the network; the end of the block below restores the mode
        return leaves[0].clone()  # a leaf must not be changed in place, and the next layer may do so

    with _evaluating(classifier), torch.no_grad():
        output = classifier(images, tap=cut)
        # Images do not depend on each other, so the gradient of the sum of their logits is the gradient of each.
        own = output.logits.gather(1, targets[:, None]).sum()
        (gradients,) = torch.autograd.grad(own, leaves)
    return leaves[0].detach(), gradients, output


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and restore the mode of each part afterwards."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
