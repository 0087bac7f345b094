from train.tables.table import Table


def test_no_cell_breaks_its_format():
    table = Table("n", "title", ["a"], [[r"{0.5}|~^\$_"]])
    assert r"| {0.5}\|~^\$_ |" in table.markdown()
    assert r"\{0.5\}|\textasciitilde{}\textasciicircum{}\textbackslash{}\$\_" in table.latex()


def test_numbers_stay_the_text_that_they_are():
    table = Table("n", "title", ["method", "figure"], [["a", "88.20"], ["b", "5"], ["c", ""], ["d", "1e3"]])
    assert table.markdown().splitlines() == [
        "**title**",
        "",
        "| method   | figure   |",
        "|----------|----------|",
        "| a        | 88.20    |",
        "| b        | 5        |",
        "| c        |          |",
        "| d        | 1e3      |",
    ]
    assert [line.split() for line in table.latex().splitlines()] == [
        [r"\begin{table}"],
        [r"\caption{title}"],
        [r"\begin{tabular}{ll}"],
        ["method", "&", "figure", r"\\"],
        [r"\hline"],
        ["a", "&", "88.20", r"\\"],
        ["b", "&", "5", r"\\"],
        ["c", "&", r"\\"],
        ["d", "&", "1e3", r"\\"],
        [r"\end{tabular}"],
        [r"\end{table}"],
    ]


def test_a_table_without_rows_has_its_header():
    table = Table("n", "title", ["a", "b"], [])
    assert table.markdown().count("\n|") == 2
    assert table.latex().count(r"\\") == 1
