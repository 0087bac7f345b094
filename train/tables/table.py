"""A table of text cells, as Markdown and as LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import DataRow, Line, TableFormat, tabulate

TEX = str.maketrans(
    {"→": r"$\to$", "–": "--", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {sign: f"\\{sign}" for sign in "%_&#${}"}
)
TEX_ROWS = TableFormat(  # the rows of a tabular environment with a line below the header
    lineabove=None,
    linebelowheader=Line(r"\hline", "", "", ""),
    linebetweenrows=None,
    linebelow=None,
    headerrow=DataRow("", " & ", r" \\"),
    datarow=DataRow("", " & ", r" \\"),
    padding=0,
    with_header_hide=None,
)


@dataclass(frozen=True)
class Table:
    """A table of text cells; every row has as many as the header."""

    name: str  # of its file
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table as Markdown (GitHub's flavour), with its title above."""
        header, *rows = [[cell.replace("|", r"\|") for cell in line] for line in (self.header, *self.rows)]
        return f"**{self.title}**\n\n{tabulate(rows, header, tablefmt='github', disable_numparse=True)}\n"

    def latex(self) -> str:
        """Return a floating LaTeX table with the title as its caption; it needs no LaTeX package."""
        header, *rows = [[cell.translate(TEX) for cell in line] for line in (self.header, *self.rows)]
        return (
            f"\\begin{{table}}\n\\caption{{{self.title.translate(TEX)}}}\n\\begin{{tabular}}{{{'l' * len(header)}}}\n"
            f"{tabulate(rows, header, tablefmt=TEX_ROWS, disable_numparse=True)}\n\\end{{tabular}}\n\\end{{table}}\n"
        )
