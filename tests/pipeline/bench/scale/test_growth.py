import pytest

from pipeline.bench.scale.growth import BYTES, SECONDS, Cost, broken_limits


def cost(rows, seconds, megabytes=10.0, start=100.0):
    return Cost(rows, rows, seconds, int((start + megabytes) * 1e6), int(megabytes * 1e6), 1.0)


def figures(*costs):
    return [each.beside(costs[:index]) for index, each in enumerate(costs)]


def test_a_face_that_costs_the_same_breaks_no_limit():
    linear = figures(cost(2000, 1.0, 60), cost(60_000, 30.0, 1800))
    assert [entry["time_ratio"] for entry in linear] == [1, pytest.approx(1)]
    assert [entry["memory_ratio"] for entry in linear] == [1, pytest.approx(1)]
    assert linear[1]["microseconds_per_face"] == pytest.approx(500)
    assert linear[1]["bytes_per_face"] == pytest.approx(30_000)
    assert broken_limits("verify", linear, 1.1, 4000) == []


def test_a_command_whose_time_grows_is_named():
    (problem,) = broken_limits("verify", figures(cost(2000, 1.0), cost(60_000, 42.0)), 1.3, 4000)
    assert problem == (
        "verify with 60,000 rows takes 1.40 times the processor time for a face that it takes with fewer rows, more than 1.3"
    )


def test_a_command_whose_memory_grows_is_named():
    (problem,) = broken_limits("evaluate", figures(cost(2000, 1.0, 60), cost(20_000, 10.0, 1200)), 1.3, 4000)
    assert problem.startswith("evaluate with 20,000 rows takes 2.00 times the memory for a face")


def test_a_command_that_takes_too_much_memory_is_named():
    (problem,) = broken_limits("report", figures(cost(1_000_000, 1.0, 4200)), 1.3, 4000)
    assert problem == "report with 1,000,000 rows takes 4,300 MB of memory, more than 4,000"


def test_chance_in_a_cost_too_small_to_measure_breaks_no_limit():
    costs = figures(cost(2000, -0.03, -2), cost(60_000, 30 * SECONDS, 30 * BYTES / 1e6))
    assert broken_limits("ingest", costs, 1.1, 4000) == []


def test_growth_of_a_cheap_command_is_seen_from_the_first_cost_that_can_be_measured():
    costs = cost(2000, 0.05, 5), cost(20_000, 0.5, 60), cost(60_000, 3.0, 360)
    (slow, large) = broken_limits("heatmaps", figures(*costs), 1.3, 4000)
    assert slow.startswith("heatmaps with 60,000 rows takes 2.00 times the processor time")
    assert large.startswith("heatmaps with 60,000 rows takes 2.00 times the memory")
