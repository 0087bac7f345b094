"""The commands of ``aucue`` that the package ``train`` provides."""

from train.evaluate.cli import evaluate
from train.explain.cli import explain
from train.export.cli import export
from train.loop.cli import train
from train.page.cli import serve
from train.presets.cli import preset
from train.report.cli import report
from train.tables.cli import tables

__all__ = ["evaluate", "explain", "export", "preset", "report", "serve", "tables", "train"]
