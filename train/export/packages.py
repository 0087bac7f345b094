"""The packages of the extra ``export``."""

from pipeline.runtime.errors import InputError


def require_packages() -> None:
    """Raise InputError if a package that writes ONNX files is missing."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"aucue export needs the extra aucue[export] ({error}): pip install -c constraints.txt -e '.[export]'"
        ) from error
