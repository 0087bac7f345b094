"""Batches of faces: which items each batch holds, and the loader that reads them, in other processes if asked to."""

import multiprocessing
import multiprocessing.queues
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

import click
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Train
from pipeline.runtime.workers import executors
from train.data.crop_cache import CachedCrops
from train.data.dataset import Batch, Faces, Item

MAX_WORKERS = 8  # processes that read for each process that trains
SEMAPHORES = 16  # for each of these processes, at most
DIED = (
    "a process that reads faces died, perhaps for want of memory ({reason}): "
    "lower train.workers if it happens again, and go on with `aucue train --resume`"
)


class BatchLoader:
    """Iterates over batches of faces. It can be iterated again, over the same batches or others.

    Without workers, each batch is read when it is needed. A thread that reads ahead would take a core from PyTorch: on two
    cores training was a sixth slower with it. Workers start with the first iteration and live as long as the loader.

    Attributes:
        batches: The indices of each batch's items, for the iterations from now on.
    """

    def __init__(
        self, faces: Faces | CachedCrops, batches: Sequence[Sequence[int]] = (), workers: int = 0, pin: bool = False
    ) -> None:
        """Check the shards of the faces, before any process reads them.

        Args:
            faces: The faces to read.
            batches: The indices of each batch's items.
            workers: Number of processes that read and decode. With 0 the calling process reads.
            pin: Whether to copy each batch into page-locked memory for a GPU.

        Raises:
            InputError: If a shard is damaged, or cannot be read.
        """
        faces.check()
        self.batches = batches
        workers = workers if _can_start(workers) else 0
        self._loader = DataLoader(
            _ErrorsAsItems(faces),
            batch_sampler=_Batches(self),
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pin,
            collate_fn=_collate,
            worker_init_fn=_prepare_reader,
            # By default DataLoader draws from the global generator, from which the method's layers are initialised.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        """Read the batches in their order.

        Raises:
            InputError: If a shard cannot be read. The error is the same in whichever process it arises. Or if a process that
                reads died.
        """
        with reader_failures():
            batches = iter(self._loader)
        while True:
            try:
                with reader_failures():
                    batch = next(batches, None)
            except (EOFError, ConnectionError) as error:  # a process died while it handed over a batch
                raise InputError(DIED.format(reason=type(error).__name__)) from None
            if batch is None:
                return
            if isinstance(batch, InputError):
                raise batch
            yield batch


def on_device(batches: Iterable[Batch], device: torch.device) -> Iterator[Batch]:
    """Copy every batch to the device. A GPU copies a batch from pinned memory while it still works on the batch before.

    Args:
        batches: Batches in pinned memory, if the device is a GPU.
        device: The device of the training.
    """
    if device.type != "cuda":
        yield from (batch.to(device) for batch in batches)
        return
    work, copies = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    for batch in batches:
        with torch.cuda.stream(copies):
            copied = batch.to(device)
        work.wait_stream(copies)
        copied.record_stream(work)
        yield copied


class _Batches(Sampler[list[int]]):
    """The batches that a loader has when an iteration begins."""

    def __init__(self, loader: BatchLoader) -> None:
        self._loader = loader

    def __len__(self) -> int:
        return len(self._loader.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return map(list, self._loader.batches)


@contextmanager
def reader_failures() -> Iterator[None]:
    """Turn the death of a process that reads into one sentence. PyTorch raises it anywhere in a with block, even in a step.

    Raises:
        InputError: If a process that reads died.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition("\n")[0].rstrip(". ")
        if reason.startswith("Too many open files"):
            raise InputError("too many files are open: lower train.workers, or raise `ulimit -n`") from None
        if not reason.startswith("DataLoader worker"):
            raise
        raise InputError(DIED.format(reason=reason)) from None


def _can_start(workers: int) -> bool:
    """Tell whether so many processes can be started; if not, say so. This process then reads, and batches are the same.

    What processes wait for each other with is in shared memory, too.
    """
    try:
        _ = [multiprocessing.Semaphore() for _ in range(SEMAPHORES * workers)]
    except (OSError, ImportError) as error:
        click.echo(
            f"train: {workers} processes that read cannot be started ({error}), so the training reads for itself: "
            "lower train.workers, or give a container more shared memory (docker run --shm-size=1g)",
            err=True,
        )
        return False
    return True


def _prepare_reader(_: int) -> None:
    """Let the parent alone answer Ctrl-C. End with a sentence if a batch cannot be handed over: it would be waited for."""

    def end(error: Exception, _: object) -> None:
        click.echo(f"train: a process that reads faces cannot hand over a batch: {error}", err=True)
        os._exit(1)

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, ConnectionError):  # the training has ended, and its last request for a batch with it
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = report
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # By default the queue prints a traceback and drops the batch. This is the hook that it offers for another answer.
    multiprocessing.queues.Queue._on_queue_feeder_error = staticmethod(end)  # type: ignore[attr-defined]  # noqa: SLF001


class _ErrorsAsItems(Dataset):
    """Returns the InputError of an unreadable item in place of the item. DataLoader rewrites errors that are raised."""

    def __init__(self, faces: Dataset[Item]) -> None:
        self._faces = faces

    def __getitem__(self, index: int) -> Item | InputError:
        try:
            return self._faces[index]
        except InputError as error:
            return error


def _collate(items: list[Item | InputError]) -> Batch | InputError:
    """Stack the items, or return the first error among them."""
    read: list[Item] = []
    for item in items:
        if isinstance(item, InputError):
            return item
        read.append(item)
    images, heatmaps, has_map, targets, rows = zip(*read, strict=True)
    return Batch(
        _stack_channels_last(images),
        torch.stack(heatmaps),
        torch.tensor(has_map),
        torch.tensor(targets),
        torch.tensor(rows),
    )


def _stack_channels_last(images: Sequence[Tensor]) -> Tensor:
    """Stack images (3, S, S) to (B, 3, S, S) pixel by pixel. Decoded images and the network's input have this layout."""
    pixels = torch.stack([image.permute(1, 2, 0) for image in images])  # (B, S, S, 3)
    return pixels.permute(0, 3, 1, 2)


def reader_count(params: Train, device: torch.device) -> int:
    """Return the number of processes that read and decode for this process.

    ``workers: auto`` means 0 on a CPU, where these processes would slow the training down by as much as they help it. For a
    GPU it means this process's share of the cores, from 1 to ``MAX_WORKERS``.
    """
    if params.workers != "auto":
        return params.workers
    if device.type != "cuda":
        return 0
    return max(1, min(MAX_WORKERS, executors.worker_count("auto") // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))


def split_batches(indices: Sequence[int], size: int, rank: int = 0, ranks: int = 1) -> list[list[int]]:
    """Split indices into batches and return one process's part of each batch.

    Args:
        indices: The items in their order.
        size: Number of items in a batch; the last batch may be smaller.
        rank: Number of the process, from 0.
        ranks: Number of processes that share each batch.

    Returns:
        The part of every batch; a part is empty if the batch has fewer items than there are processes.
    """
    batches = [list(indices[start : start + size]) for start in range(0, len(indices), size)]
    return [batch[rank * len(batch) // ranks : (rank + 1) * len(batch) // ranks] for batch in batches]
