"""Say that a dataset has no table that lists its photos, and what to do with the files that are there."""

from pathlib import PurePath

from pipeline.ingest.datasets.common.tree import Tree

FIXES = {  # by the suffixes of files that may list photos
    (".xls", ".xlsx", ".ods"): "save it as {name}, with the columns image and label",
    (".txt", ".json", ".jsonl", ".xml", ".yaml"): "write it as {name}, with the columns image and label",
    (".csv", ".tsv"): "name the columns image and label in its first line",
}
MOST_FILES = 5  # in a message


def describe_absence(tree: Tree, name: str) -> str:
    """Return a message for a dataset without a table.

    Args:
        tree: The dataset.
        name: The name that the table should have.
    """
    files = tree.files(tree.root).all
    problem = "is a folder and no table" if tree.folder(tree.root, name) else "does not exist"
    message = f"{tree.root / name} {problem}: check ingest.root and ingest.dataset"
    for suffixes, fix in FIXES.items():
        found = [file for file in files if PurePath(file).suffix.casefold() in suffixes]
        if found:
            return f"{message}: {tree.root} holds {', '.join(found[:MOST_FILES])}: {fix.format(name=name)}"
    return message
