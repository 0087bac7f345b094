"""The evaluations of DVC's experiments (``dvc exp run``), read from git and DVC's cache without any checkout."""

from collections.abc import Iterator
from pathlib import Path

import dvc.api
from dvc.exceptions import DvcException

from pipeline.runtime.commands import paths
from pipeline.runtime.errors import InputError
from pipeline.runtime.messages import warn
from train.evaluate.artifacts import DETAILS, METRICS

SUCCESS = "Success"  # DVC's word for the state of a finished experiment; it gives a state to queued experiments only


def read_evaluations() -> Iterator[tuple[str, str, str]]:
    """Read every evaluation of the experiments on the commit that is checked out, in the order of their names.

    An evaluation that an experiment did not run (``dvc exp run evaluate@guided``) is left out. An experiment that did not
    succeed is left out as a whole, and named on stderr.

    Yields:
        Where it is, the content of metrics.json, and the content of details.json.

    Raises:
        InputError: Outside of a DVC project in git, and for a file that is not in DVC's cache.
    """
    try:
        rows = dvc.api.exp_show()
    except Exception as error:  # DVC, dulwich and libgit2 each raise errors of their own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"experiments cannot be read ({reason}): {_fix(reason)}") from error
    experiments = {(row["Experiment"], row["rev"], row.get("State") or SUCCESS) for row in rows if row.get("Experiment")}
    for name, revision, state in sorted(experiments):
        if state != SUCCESS:  # its lock file is still that of the commit it started from
            warn(f"experiment {name} is left out: {state.lower()} (`dvc queue status`)")
            continue
        files = dvc.api.DVCFileSystem(rev=revision)
        for path in sorted(files.find(paths.EVALUATION)):
            folder, _, file = path.rpartition("/")
            if file == DETAILS and _is_output(files, path):
                place = f"experiment {name}: {folder}"
                metrics, details = (_read_text(files, f"{folder}/{file}", place) for file in (METRICS, DETAILS))
                yield place, metrics, details


def _fix(reason: str) -> str:
    """The fix of an error that says that git does not trust a checkout of another user, or of any other error."""
    if "owned by" in reason or "dubious ownership" in reason:
        here = Path.cwd()
        root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
        return f"if you trust this folder, run `git config --global --add safe.directory '{root}'`"
    return "they need a folder with git and DVC"


def _is_output(files: dvc.api.DVCFileSystem, path: str) -> bool:
    """Whether the experiment wrote a file: DVC knows its digest, not only its name in dvc.yaml."""
    return "md5" in files.info(path)


def _read_text(files: dvc.api.DVCFileSystem, path: str, place: str) -> str:
    try:
        return files.read_text(path, encoding="utf-8")
    except (OSError, DvcException) as error:
        raise InputError(f"{place} is not in DVC's cache any more: run it again, or `dvc exp remove` it") from error
