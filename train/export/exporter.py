"""Export a checkpoint: read it, convert it, compare the file with PyTorch, and only then put the file in its place."""

from pathlib import Path
from typing import Any, NamedTuple

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import atomic
from pipeline.runtime.outputs.overwriting import refuse_foreign
from train.export import metadata, verification
from train.export.conversion import convert
from train.export.network import ExportedNetwork
from train.export.packages import require_packages
from train.models import checkpoint as checkpoints

PRODUCER = "aucue"
MOST_BYTES = 2**31 - 2**24  # of the weights: a file of protobuf ends at 2 GiB, and needs some room for the graph


class Export(NamedTuple):
    """A written file."""

    facts: metadata.Facts  # its metadata
    output_names: tuple[str, ...]
    size: int  # bytes
    difference: float | None  # the largest from PyTorch; None if ONNX Runtime is not installed


def main(*, checkpoint: Path, out: Path) -> Export:
    """Export a checkpoint as one ONNX file.

    Args:
        checkpoint: The trained classifier.
        out: The file to write.

    Raises:
        InputError: If ``out`` is a folder or another tool's file, the checkpoint cannot be read or converted, a package is
            missing, or the file would differ from PyTorch.
        OSError: If the file cannot be written.
    """
    refuse(out)
    classifier, config = checkpoints.load(checkpoint)
    require_packages()
    if "size" not in config.heatmaps:
        raise InputError(f"{checkpoint} does not name the size of its heatmaps: run `aucue train` again")
    refuse_large(checkpoint, sum(tensor.nbytes for tensor in classifier.state_dict().values()))
    network = ExportedNetwork(classifier, config.train["input_size"], config.heatmaps["size"])
    expected = verification.samples(network)
    facts = metadata.facts(config, network.output_names)
    with atomic(out) as temporary:
        write(temporary, convert(network, f"{checkpoint} ({facts['method']} on {facts['backbone']})"), facts)
        difference = verification.verify(temporary, network, expected)
    return Export(facts, network.output_names, out.stat().st_size, difference)


def write(path: Path, model: Any, facts: metadata.Facts) -> None:
    """Write an ONNX model of the package onnx_ir and its facts as one file, which holds the weights."""
    import onnx_ir

    model.producer_name, model.producer_version = PRODUCER, facts["aucue_version"]
    model.metadata_props.clear()
    model.metadata_props.update(facts)
    path.write_bytes(onnx_ir.to_proto(model).SerializeToString(deterministic=True))


def refuse(out: Path) -> None:
    """Raise InputError if ``out`` is no place for a file, or holds a file that this command did not write."""
    if out.is_dir():
        raise InputError(f"{out} is a folder: name a file in it, such as {out / 'model.onnx'}")
    if out.exists() and not out.is_file():
        raise InputError(f"{out} is no ordinary file: name another place")
    refuse_foreign(out, is_exported)


def is_exported(content: bytes) -> bool:
    """Tell whether a file is an ONNX file of this command: after a version, its first field is the producer."""
    field = bytes([2 << 3 | 2, len(PRODUCER)]) + PRODUCER.encode()  # number 2, with a length
    return content[:1] == b"\x08" and content[2:].startswith(field)


def refuse_large(checkpoint: Path, size: int) -> None:
    """Raise InputError if weights of ``size`` bytes do not fit into one file."""
    if size > MOST_BYTES:
        raise InputError(
            f"{checkpoint} has weights of {size / 1e9:.1f} GB, and one ONNX file holds {MOST_BYTES / 1e9:.1f} GB: "
            "use a smaller train.backbone"
        )
