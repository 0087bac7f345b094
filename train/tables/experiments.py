"""The evaluations of DVC's experiments (``dvc exp run``), read from git and DVC's cache: nothing is checked out."""

from collections.abc import Iterator

import click
import dvc.api
from dvc.exceptions import DvcException
from dvc.scm import SCMError

from pipeline.runtime.errors import InputError

ENDED = "Success"  # DVC's word, which it has for experiments of its queue alone


def evaluations() -> Iterator[tuple[str, str, str]]:
    """(where it is, metrics.json, details.json) of every evaluation in the experiments on the commit that is checked out, in
    the order of their names. Left out are one that an experiment did not run (``dvc exp run evaluate@guided``), and, in a
    sentence on the terminal, all of an experiment that did not end well. Raises InputError outside of a DVC project in git,
    and for figures that the cache has not."""
    try:
        rows = dvc.api.exp_show()
    except (DvcException, SCMError) as error:
        raise InputError(f"experiments cannot be read ({error}): they need a folder with git and DVC") from error
    found = {(row["Experiment"], row["rev"], row.get("State") or ENDED) for row in rows if row.get("Experiment")}
    for name, revision, state in sorted(found):
        if state != ENDED:  # its lock file is still that of the commit it began from
            click.echo(f"tables: experiment {name} is left out: {state.lower()} (`dvc queue status`)", err=True)
            continue
        files = dvc.api.DVCFileSystem(rev=revision)
        for path in sorted(files.find("data/evaluation")):
            folder, _, file = path.rpartition("/")
            if file == "details.json" and _made(files, path):
                place = f"experiment {name}: {folder}"
                yield place, *(_text(files, f"{folder}/{kind}.json", place) for kind in ("metrics", "details"))


def _made(files: dvc.api.DVCFileSystem, path: str) -> bool:
    """Whether a digest of the file is known: dvc.yaml alone names it otherwise."""
    return "md5" in files.info(path)


def _text(files: dvc.api.DVCFileSystem, path: str, place: str) -> str:
    try:
        return files.read_text(path, encoding="utf-8")
    except (OSError, DvcException) as error:
        raise InputError(f"{place} is not in DVC's cache any more: run it again, or `dvc exp remove` it") from error
