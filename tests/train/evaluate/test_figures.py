from train.evaluate.figures import format_difference, format_figure


def test_figures_have_three_decimals_or_are_a_dash():
    assert format_figure(0.12345) == "0.123"
    assert format_figure(None) == "–"


def test_differences_have_signs_and_an_interval():
    assert format_difference(None) == ("–", "")
    assert format_difference({"mean": 0.1234, "low": -0.01, "high": 0.25}) == ("+0.123", "[-0.010, +0.250]")
