"""Finds the places where the host would wait for a GPU, without a GPU.

The code runs on PyTorch's device ``meta``, whose tensors have shapes and no values. Like a GPU, it cannot tell the host
at once a value or a number of elements.
"""

import traceback
from collections import Counter

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

META = torch.device("meta")
VALUES = {
    "_local_scalar_dense": 1.0,
    "is_nonzero": True,
    "equal": True,
}  # questions for a value, and their answers
SIZES = {"nonzero", "masked_select", "unique_dim", "_unique2", "unique_consecutive", "bincount"}  # of a result
INDEXING = {"index", "index_put", "index_put_", "_unsafe_index"}
MASKS = {torch.bool, torch.uint8}
FROM_LISTS = {torch.tensor, torch.as_tensor, torch.Tensor.new_tensor}  # meta takes a list without an operation that is seen


class HostWaits:
    """A context that runs code on ``meta`` and writes down each wait of the host.

    Attributes:
        found: (operation, line of the code) -> times.
    """

    def __init__(self):
        self.found = Counter()
        self._modes = (_Functions(self), _Operations(self))

    def __enter__(self):
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error):
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    def add(self, operation):
        """Write down a wait at the innermost line that is neither PyTorch's nor this module's."""
        frames = [frame for frame in traceback.extract_stack() if "site-packages" not in frame.filename]
        place = next(frame for frame in reversed(frames) if frame.filename != __file__)
        self.found[operation, f"{place.filename}:{place.lineno}: {place.line}"] += 1


class _Functions(TorchFunctionMode):
    def __init__(self, waits):
        super().__init__()
        self.waits = waits

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = options or {}
        if function in FROM_LISTS and META in (device_of(options.get("device")), *map(device_of, arguments[:1])):
            self.waits.add(function.__name__)
        if function is torch.Tensor.tolist and arguments[0].device == META:
            self.waits.add("tolist")
            return torch.ones(arguments[0].shape).tolist()
        return function(*arguments, **options)


class _Operations(TorchDispatchMode):
    def __init__(self, waits):
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        options = options or {}
        name = operation.__name__.partition(".")[0]
        tensors = [value for value in arguments if isinstance(value, torch.Tensor)]
        if name in ("_to_copy", "copy_"):
            return self.copied(name, operation, arguments, options)
        if all(tensor.device != META for tensor in tensors):
            return operation(*arguments, **options)
        if name in VALUES:
            self.waits.add(name)
            return VALUES[name]
        by_mask = name in INDEXING and any(index is not None and index.dtype in MASKS for index in arguments[1])
        if name in SIZES or by_mask:
            self.waits.add(f"{name} by a mask" if by_mask else name)
            raise AssertionError(f"the host waits for a number of elements: {[*self.waits.found][-1]}")
        if name == "where" and any(tensor.device != META for tensor in tensors):
            self.waits.add("where of a scalar on the host")
        return operation(*arguments, **options)

    def copied(self, name, operation, arguments, options):
        """Copy between two devices. The copy is free if it does not block."""
        is_new = name == "_to_copy"
        source = arguments[0 if is_new else 1]
        target = (device_of(options.get("device")) or source.device) if is_new else arguments[0].device
        if (source.device == META) == (target == META):
            return operation(*arguments, **options)
        if not (options.get("non_blocking") or (not is_new and True in arguments[2:])):
            self.waits.add(f"copy from {source.device} to {target}")
        if target == META:
            return operation(*arguments, **options)
        return torch.ones(source.shape, dtype=options.get("dtype") or source.dtype) if is_new else arguments[0].fill_(1)


def device_of(value):
    """The device of a tensor, or the device of this name; None for anything else."""
    if isinstance(value, torch.Tensor):
        return value.device
    return torch.device(value) if isinstance(value, str | torch.device) else None
