"""The figures that the paper published (``published.csv``): Belharbi et al. 2024, arXiv 2402.00281, tables 1 to 3."""

import csv
import io
from importlib.resources import files

from train.tables.evaluated_runs import RunConfig
from train.tables.run_statistics import NO_FIGURE

Published = dict[tuple[str, str], dict[str, str]]  # (table, row) -> column -> figure


def read_published(dataset: str | None) -> Published:
    """Read the published figures of a dataset; there are none for a dataset that the paper does not use."""
    text = files("train.tables").joinpath("published.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["dataset"] == dataset]
    return {(row["table"], row["row"]): row for row in rows}


def change_cells(published: Published, config: RunConfig, table: str, row: str, *columns: str) -> list[str]:
    """Format published figures without → with guidance, a cell for each of ``columns`` ("cl", "cos").

    The paper's runs guide layer 5, so other guided configs have no published figures.

    Returns:
        The cells; none at all if the dataset has no published figures.
    """
    figures = published.get((table, row), {}) if config.layers == (5,) or not config.guided else {}
    pairs = [(figures.get(f"without_{column}"), figures.get(f"with_{column}")) for column in columns]
    return [f"{before or NO_FIGURE} → {after or NO_FIGURE}" for before, after in pairs] if published else []


def layer_cells(published: Published, row: str, layers: str) -> list[str]:
    """Format the published accuracy and CAM-COS of the guided ``layers``; the paper has them for its row CAM only."""
    figures = published.get(("layers", layers), {}) if row == "CAM" else {}
    cells = [figures.get(f"with_{column}") or figures.get(f"without_{column}") or NO_FIGURE for column in ("cl", "cos")]
    return cells if published else []
