"""Say that a dataset has no table that lists its photos, and what to do with the files that are there."""

from pathlib import PurePath

from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.csv.lists import NAME

COLUMNS = "with the columns image and label"
FIXES = {  # by the suffixes of files that may list photos: the fix for one file, and for several
    (".xls", ".xlsx", ".ods"): (f"save it as {NAME}, {COLUMNS}", f"save each as CSV, {COLUMNS}"),
    (".txt", ".json", ".jsonl", ".xml"): (f"write it as {NAME}, {COLUMNS}", f"write each as CSV, {COLUMNS}"),
    (".csv", ".tsv"): ("name the columns image and label in its first line",) * 2,
}
MOST_FILES = 5  # in a message


def describe_absence(tree: Tree) -> str:
    """Return a message for a dataset without a table."""
    problem = "is a folder and no table" if tree.folder(tree.root, NAME) else "does not exist"
    return f"{tree.root / NAME} {problem}: check ingest.root and ingest.dataset{hint_at_lists(tree)}"


def hint_at_lists(tree: Tree) -> str:
    """Return the end of a message that names the files that may list photos, with the fix; empty if there are none."""
    files = tree.files(tree.root).all
    for suffixes, (fix, fix_for_several) in FIXES.items():
        found = [file for file in files if PurePath(file).suffix.casefold() in suffixes]
        if found:
            return f": {tree.root} holds {', '.join(found[:MOST_FILES])}: {fix if len(found) == 1 else fix_for_several}"
    return ""
