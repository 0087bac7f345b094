"""The curves of a training: dvclive's files under ``live``, one value per metric and epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dvclive.live import Live

from pipeline.runtime.errors import InputError
from pipeline.runtime.file_errors import naming
from pipeline.runtime.outputs.overwriting import json_of, refuse_foreign, starting_with
from train.loop.distributed import DistributedContext
from train.loop.resume import EpochMetrics, State

SUFFIX = ".tsv"  # of dvclive's curves
FIGURES = ("train", "validation", "step", "best")  # names in metrics.json; a training that is stopped early has none yet


def refuse_foreign_files(folder: Path) -> None:
    """Raise InputError for a file that is not of a training among those that dvclive removes or replaces."""
    refuse_foreign(folder / "metrics.json", json_of(*FIGURES))
    removed = [*(folder / "plots").rglob("*"), *(folder / name for name in ("params.yaml", "report.html", "report.md"))]
    for path in removed:
        if path.is_file() and not path.name.startswith("."):
            if path.suffix != SUFFIX:
                raise InputError(f"{path} is not a curve of a training, and would be lost: move it, or name another place")
            refuse_foreign(path, starting_with("step\t"))


@contextmanager
def curves(folder: Path, state: State, distributed: DistributedContext) -> Iterator[Callable[[EpochMetrics], None]]:
    """Yield a function that logs the metrics of an epoch. The epochs of the state's history are logged first.

    Args:
        folder: Folder of the curves, which is made anew.
        state: The progress of the training.
        distributed: Its first process logs; the others log nothing.

    Raises:
        OSError: If the curves cannot be written; the error names ``folder``.
    """
    if distributed.rank > 0:
        yield lambda _: None
        return
    with naming(folder):
        live = Live(str(folder), dvcyaml=None, report=None, save_dvc_exp=False)

    def log(epoch: EpochMetrics) -> None:
        with naming(folder):
            for split, metrics in epoch.items():
                for name, value in metrics.items():
                    live.log_metric(f"{split}/{name}", value)
            live.next_step()

    try:
        for epoch in state.history:
            log(epoch)
        yield log
        live.summary["best"] = state.best
        with naming(folder):
            live.make_summary()
    except BaseException:
        with suppress(OSError):  # a second error about the same disk
            live.end()
        raise
    with naming(folder):
        live.end()
