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

from train.model import Classifier


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
    """Every map of GRADIENT_MAPS (B, h, w) at a layer (1 to 5) for images (B, 3, H, W) in [0, 1] and each one's target class
    (B,). The classifier is run in evaluation mode, where one image's map does not depend on the others.

    Raises ValueError for a layer before the last of a backbone that cannot be cut there (``takes_after`` is false).
    """
    if layer < 5 and not classifier.backbone.takes_after:
        raise ValueError(f"this backbone cannot be cut after layer {layer}, only after layer 5")
    features, logits = _cut(classifier, images, layer)
    gradients = target_gradients(logits, targets, features)
    return {name: compute(features.detach(), gradients) for name, compute in GRADIENT_MAPS.items()}


def target_gradients(logits: Tensor, targets: Tensor, features: Tensor) -> Tensor:
    """The gradient (B, C, h, w) of each sample's logit (of (B, K)) of its own target (B,) for its features. Samples must not
    depend on each other: the sum of their logits is what is differentiated."""
    own = logits.gather(1, targets[:, None]).sum()
    return torch.autograd.grad(own, features)[0]


def _cut(classifier: Classifier, images: Tensor, layer: int) -> tuple[Tensor, Tensor]:
    """A layer's features, as the start of a graph that ends with the logits. Nothing before the layer is recorded."""
    found: list[Tensor] = []

    def cut(hidden: Tensor) -> Tensor:
        found.append(hidden.detach().requires_grad_())
        torch.set_grad_enabled(True)  # from here on; the block below ends it
        return found[0].clone()  # a leaf must not be changed in place, and what follows may do so

    def after(number: int, hidden: Tensor) -> Tensor:
        return classifier.method.after(number, cut(hidden) if number == layer else hidden)

    with _evaluating(classifier), torch.no_grad():
        features = classifier.backbone(classifier.prepare(images), after)
        layers = [*features.layers]
        layers[layer - 1] = found[0].clone() if found else cut(layers[-1])
        logits = classifier.method(features._replace(layers=layers)).logits
    return found[0], logits


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
