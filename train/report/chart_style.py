"""The style that the charts of the report and of the tables share."""

from typing import Any

CHART_STYLE: dict[Any, Any] = {  # keys of matplotlib's rcParams, whose type lists them one by one
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "aucue",  # the same ids, and so the same bytes, in every run
}
