"""Methods: the weakly supervised classifiers that are trained with and without guidance, one small file each.

README.md in this folder says how to add a method.
"""

from train.models.methods import acol, adl, apvit, cam, cutmix, prm, tscam, wildcat
from train.models.methods.method import Method, Scores

__all__ = ["METHODS", "Method", "Scores", "build"]

METHODS: dict[str, type[Method]] = {
    "cam": cam.Cam,
    "wildcat": wildcat.Wildcat,
    "acol": acol.Acol,
    "prm": prm.Prm,
    "adl": adl.Adl,
    "cutmix": cutmix.CutMix,
    "tscam": tscam.TsCam,
    "apvit": apvit.ApVit,
}


def build(name: str, channels: tuple[int, ...], number_of_classes: int) -> Method:
    """Build a fresh method.

    Args:
        name: A key of METHODS.
        channels: Channels of the backbone's five layers.
        number_of_classes: K, the number of logits.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}: use one of {', '.join(METHODS)}")
    return METHODS[name](channels, number_of_classes)
