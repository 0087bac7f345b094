"""Convert a network to an ONNX model whose batch has any size."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.runtime.errors import InputError
from pipeline.runtime.quiet import quiet_libraries
from train.export.network import INPUT, ExportedNetwork

# What PyTorch's exporter raises for networks that it cannot convert: its own errors are RuntimeErrors.
UNSUPPORTED = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError)
OPERATORS = 20  # version of ONNX's operators
BATCH = {INPUT: {0: torch.export.Dim("batch")}}  # the axis of any length
LONGEST_REASON = 160  # characters


def convert(network: ExportedNetwork, name: str) -> Any:
    """Convert a network to an ONNX model of the package onnx_ir, which holds the weights.

    Args:
        network: On the CPU.
        name: How an error message calls the network.

    Raises:
        InputError: If PyTorch's exporter cannot convert the network.
    """
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    _use_plain_attention(network)
    try:
        with quiet_libraries(), torch.no_grad():
            program: Any = torch.onnx.export(
                _captured(network),
                dynamic_shapes=BATCH,
                input_names=[INPUT],
                output_names=list(network.output_names),
                opset_version=OPERATORS,
                custom_translation_table={torch.ops.aten._upsample_bilinear2d_aa.default: _resize},  # noqa: SLF001 (no other name)
                verbose=False,
            )
    except UNSUPPORTED as error:
        raise InputError(f"{name} cannot be exported ({_reason(error)}): use another train.backbone") from error
    ClearMetadataAndDocStringPass()(program.model)  # traces, with the paths of this machine
    return program.model


def _captured(network: ExportedNetwork) -> torch.export.ExportedProgram:
    """Capture the network's computation for any number of images.

    One way of PyTorch takes ``len(tensor)`` for a constant, the other knows fewer functions of Python.
    """
    images = torch.zeros(2, 3, network.input_size, network.input_size)
    try:
        return torch.export.export(network, (images,), dynamic_shapes=BATCH, strict=False)
    except UNSUPPORTED:
        return torch.export.export(network, (images,), dynamic_shapes=BATCH, strict=True)


def _use_plain_attention(network: ExportedNetwork) -> None:
    """Let models of Hugging Face compute attention by plain products: the exporter fails at the fused form of some."""
    part: Any  # a model of the library
    for part in network.modules():
        if hasattr(part, "set_attn_implementation"):
            part.set_attn_implementation("eager")


def _resize(maps: Any, output_size: Any, align_corners: bool, scales_h: Any = None, scales_w: Any = None) -> Any:  # noqa: ARG001
    """Translate PyTorch's antialiased resizing to two products of matrices: ONNX's own resizing is another function."""
    from onnxscript import opset20 as op

    height, width = (int(side) for side in maps.shape[-2:])
    rows, columns = (
        resizing(before, int(after), align_corners) for before, after in zip((height, width), output_size, strict=True)
    )
    return op.MatMul(op.MatMul(_constant(rows), maps), _constant(columns.T))


def resizing(before: int, after: int, align_corners: bool) -> Tensor:
    """Return the matrix (after, before) by which PyTorch resizes one side of an image, bilinear with antialiasing."""
    identity = torch.eye(before)[None, None]
    size = (after, before)
    return F.interpolate(identity, size=size, mode="bilinear", align_corners=align_corners, antialias=True)[0, 0]


def _constant(values: Tensor) -> Any:
    from onnx.numpy_helper import from_array
    from onnxscript import opset20 as op

    return op.Constant(value=from_array(values.contiguous().numpy()))


def _reason(error: BaseException) -> str:
    """The first line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 3]}..."
