"""The other side of the face: where each landmark and each shape goes when left and right are exchanged."""

from pipeline.codebook.geometry import Centre, Ellipse, Gaussian, Length, Offset, Polygon, Shape, outline

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


def mirror_shape(shape: Shape) -> Shape:
    """Make the same shape on the other side of the face."""
    match shape:
        case Ellipse():
            return _mirror_ellipse(shape)
        case Polygon():
            return shape.model_copy(
                update={"through": outline(_mirror_landmarks(shape.through)), "dilate": _mirror_length(shape.dilate)}
            )
        case Gaussian():
            return shape.model_copy(
                update={"at": tuple(sorted(_mirror_landmarks(shape.at))), "sigma": _mirror_length(shape.sigma)}
            )


def _mirror_ellipse(shape: Ellipse) -> Ellipse:
    x, y = shape.centre.axes
    rotation = shape.rotation
    return shape.model_copy(
        update={
            "centre": Centre(x=_mirror_landmarks(x), y=_mirror_landmarks(y)),
            "offset": Offset(x=_negate(_mirror_length(shape.offset.x, across=True)), y=_mirror_length(shape.offset.y)),
            "rx": _mirror_length(shape.rx, across=True),
            "ry": _mirror_length(shape.ry),
            "inside": shape.inside and {"left": "right", "right": "left"}[shape.inside],
            # The axis still runs from left to right in the image, so the landmarks change places too.
            "rotation": _mirror_landmarks(rotation)[::-1] if isinstance(rotation, tuple) else rotation,
        }
    )


def _mirror_landmarks(landmarks: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(MIRRORED[landmark] for landmark in landmarks)


def _mirror_length(length: Length, across: bool = False) -> Length:
    """Mirror a length. If it runs along x (``across``), its two landmarks also change places."""
    if length.half is None:
        return length
    pair = _mirror_landmarks(length.half)
    return length.model_copy(update={"half": pair[::-1] if across else pair})


def _negate(length: Length) -> Length:
    """The length in the opposite direction."""
    units = ("px", "width", "height", "iod")
    if length.half is not None:
        plus = _negate(length.plus) if length.plus else None
        return length.model_copy(update={"half": length.half[::-1], "plus": plus})
    return length.model_copy(update={unit: 0 - getattr(length, unit) for unit in units if getattr(length, unit) is not None})
