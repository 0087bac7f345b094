"""The other side of the face: where each landmark and each shape goes when left and right are exchanged."""

from pipeline.codebook.schema import Centre, Ellipse, Gaussian, Length, Offset, Polygon, Shape, outline

# iBUG/dlib 68 points: jaw, brows, bridge of the nose, nostrils, right eye, left eye, outer lip, inner lip.
MIRRORED = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)


def mirrored(shape: Shape) -> Shape:
    """The same shape on the other side of the face."""
    match shape:
        case Ellipse():
            rotation = shape.rotation
            return shape.model_copy(
                update={
                    "centre": Centre(x=_points(shape.centre.x), y=_points(shape.centre.y)),
                    "offset": Offset(x=_negated(_length(shape.offset.x, across=True)), y=_length(shape.offset.y)),
                    "rx": _length(shape.rx, across=True),
                    "ry": _length(shape.ry),
                    "inside": {"left": "right", "right": "left"}.get(shape.inside),
                    "rotation": tuple(MIRRORED[i] for i in reversed(rotation)) if isinstance(rotation, tuple) else rotation,
                }
            )
        case Polygon():
            return shape.model_copy(update={"through": outline(_points(shape.through)), "dilate": _length(shape.dilate)})
        case Gaussian():
            return shape.model_copy(update={"at": tuple(sorted(_points(shape.at))), "sigma": _length(shape.sigma)})


def _points(landmarks: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(MIRRORED[i] for i in landmarks)


def _length(length: Length, across: bool = False) -> Length:
    """The mirrored length. Along x, what ran from the first landmark to the second now runs the other way."""
    if length.half is None:
        return length
    pair = _points(length.half)
    return length.model_copy(update={"half": pair[::-1] if across else pair})


def _negated(length: Length) -> Length:
    units = ("px", "width", "height", "iod")
    if length.half is not None:
        plus = _negated(length.plus) if length.plus else None
        return length.model_copy(update={"half": length.half[::-1], "plus": plus})
    return length.model_copy(update={unit: 0 - getattr(length, unit) for unit in units if getattr(length, unit) is not None})
