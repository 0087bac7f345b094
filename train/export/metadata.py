"""The facts that travel with an exported file: all that its user needs to know, as ``metadata_props`` of the ONNX file.

Every value is text. Lists, mappings and numbers are JSON.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.landmarks.align import TEMPLATE
from train.data.augmentation import MARGIN
from train.models.checkpoint import Config

CROP = (
    "An aligned square of crop_size pixels. The centres of the right eye, the left eye and the mouth are the means of the "
    "landmarks 37 to 42, 43 to 48 and 49 to 68 (of 68, counted from 1). A least-squares rotation, scale and shift of the "
    "upright photo moves them to crop_template, (x, y) as fractions of the crop from its top left corner. The right eye is "
    "the subject's. Beyond the photo, its border is repeated."
)
SHRINK = (
    "A crop with a side beyond shrink_size is shrunk to shrink_size by antialiased bilinear filtering and rounded to bytes, "
    "and is then sampled bilinearly at input_size. Shrinking by area (OpenCV's INTER_AREA) comes close."
)
MEANINGS = {
    "logits": "(B, K): their softmax is the probabilities of the classes",
    "attention": "(B, 1, n, n) in [0, 1]: where the last layer is active, each map scaled to its own minimum and maximum",
    "class_maps": "(B, K, n, n) in [0, 1]: where the method sees each class, each map scaled to its own minimum and maximum",
}
Facts = dict[str, str]


def facts(config: Config, output_names: tuple[str, ...]) -> Facts:
    """Collect the facts of an exported checkpoint.

    Args:
        config: The header of the checkpoint.
        output_names: The outputs of the file.
    """
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in _facts(config, output_names)}


def _facts(config: Config, output_names: tuple[str, ...]) -> list[tuple[str, Any]]:
    size = config.train["input_size"]
    crop_size = config.faces.get("crop_size")
    return [
        ("classes", config.classes),
        ("input_size", size),
        ("input_range", (0, 1)),
        ("colour_order", "RGB"),
        ("crop", CROP),
        ("crop_size", crop_size),
        ("crop_template", dict(zip(("right_eye", "left_eye", "mouth"), TEMPLATE.tolist(), strict=True))),
        ("shrink", SHRINK),
        ("shrink_size", round(MARGIN * size)),
        ("outputs", {name: MEANINGS[name] for name in output_names}),
        ("map_size", config.heatmaps["size"]),
        ("method", config.train["method"]),
        ("backbone", backbone_name(config)),
        ("variant", config.variant),
        ("run", config.run),
        ("codebook", config.heatmaps.get("codebook", "")),
        ("codebook_sha256", config.heatmaps.get("codebook_sha256", "")),
        ("aucue_version", version("aucue")),
        ("licence", licence(config)),
    ]


def backbone_name(config: Config) -> str:
    """Return the checkpoint's backbone; of a model in a folder, only the folder's name."""
    name = config.train["backbone"]
    source = Path(name.removeprefix("hf:"))
    return f"hf:{source.name}" if source.is_absolute() else name


def licence(config: Config) -> str:
    """Say whose licences bind the user of an exported file."""
    name = backbone_name(config)
    if config.train["weights"] == "none":
        origin = "The weights were trained from random values."
    elif name == "dlib_resnet":
        origin = "The weights derive from dlib's face-recognition network, which is in the public domain (CC0)."
    else:
        origin = f"The weights derive from the model {name.removeprefix('hf:')}, whose own licence applies."
    return (
        f"The code of aucue is under the MIT licence. {origin} The licences of the photos that they were trained on may "
        "restrict the use. The default landmark model, which aligns the faces, was trained on iBUG 300-W, whose licence "
        "excludes commercial use."
    )
