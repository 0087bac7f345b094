"""Class activation maps: which places of a layer speak for a class.

They weight a layer's features F (B, C, h, w) by the gradient G, of the same shape, of each sample's own target logit; the
maps (B, h, w) are non-negative and not normalised (``metrics.cam_map`` does that). They hold for any network:
``gradient_maps`` asks for G with autograd alone, so that no hook is left behind and neither the parameters' gradients nor a
module's mode are touched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.classifier import Classifier, Output


def grad_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """relu(sum over channels of F times the mean of G) (Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2)."""
    return F.relu((features * gradients.mean(dim=(2, 3), keepdim=True)).sum(dim=1))


def grad_cam_pp(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++ as it is mostly run: relu(sum over channels of F times w), w = sum over places of G² relu(G).

    The package torchcam means to divide G² by the denominator of ``grad_cam_pp_divided`` but divides a copy, so that what it
    computes is this.
    """
    weights = (gradients**2 * F.relu(gradients)).sum(dim=(2, 3), keepdim=True)
    return F.relu((features * weights).sum(dim=1))


def grad_cam_pp_divided(features: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++ as it was published (Chattopadhay et al. 2018, arXiv 1710.11063, equations 5 and 19): as above with w = sum
    over places of alpha relu(G), alpha = G² / (2 G² + G³ sum over places of F), G² cancelled: G may be too small for it."""
    denominator = 2 + gradients * features.sum(dim=(2, 3), keepdim=True)
    weights = torch.where(gradients > 0, gradients / denominator, 0).sum(dim=(2, 3), keepdim=True)
    return F.relu((features * weights).sum(dim=1))


def layer_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """relu(sum over channels of F relu(G)), place by place (Jiang et al. 2021, equations 6 and 7, for one layer)."""
    return F.relu((features * F.relu(gradients)).sum(dim=1))


GRADIENT_MAPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradcam": grad_cam,
    "gradcam_pp": grad_cam_pp,
    "gradcam_pp_divided": grad_cam_pp_divided,
    "layercam": layer_cam,
}


def gradient_maps(classifier: Classifier, images: Tensor, targets: Tensor, layer: int = 5) -> dict[str, Tensor]:
    """Every map of GRADIENT_MAPS at a layer.

    Args:
        classifier: It is run in evaluation mode, where one image's map does not depend on the others.
        images: (B, 3, H, W) in [0, 1].
        targets: (B,) each image's target class.
        layer: 1 to 5.

    Returns:
        Maps (B, h, w) by name.

    Raises:
        ValueError: For a layer that does not exist, or before the last of a backbone that cannot be cut there.
    """
    features, gradients, _ = target_gradients(classifier, images, targets, layer)
    return {name: compute(features, gradients) for name, compute in GRADIENT_MAPS.items()}


def target_gradients(
    classifier: Classifier, images: Tensor, targets: Tensor, layer: int = 5
) -> tuple[Tensor, Tensor, Output]:
    """A layer's features, and the gradient of each image's own target logit for them. Arguments as in ``gradient_maps``.

    Nothing before the layer is recorded for differentiation: at layer 5 this costs the method's own backward pass alone.

    Returns:
        Features (B, C, h, w), gradients (B, C, h, w), and the classifier's output.
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
        torch.set_grad_enabled(True)  # from here on; the block below ends it
        return leaves[0].clone()  # a leaf must not be changed in place, and what follows may do so

    with _evaluating(classifier), torch.no_grad():
        output = classifier(images, tap=cut)
        # Images do not depend on each other, so the gradient of the sum of their logits is the gradient of each.
        own = output.logits.gather(1, targets[:, None]).sum()
        (gradients,) = torch.autograd.grad(own, leaves)
    return leaves[0].detach(), gradients, output


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; afterwards each part is in the mode that it was in."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
