"""Means and ranges over the seeds of a config, and comparisons of configs with and without guidance, as cells."""

from collections.abc import Sequence

from train.tables.evaluated_runs import EvaluatedRun, Groups, RunConfig

NO_FIGURE = "–"


def guidance_pairs(groups: Groups) -> list[tuple[RunConfig, RunConfig]]:
    """Pair configs (without guidance, guided).

    Every guided config has the same config without guidance, which may have no runs. A config without guidance that
    belongs to no guided config is paired with itself.
    """
    guided = {config: config.unguided for config in groups if config.guided}
    alone = [config for config in groups if not config.guided and config not in guided.values()]
    return [(without, config) for config, without in guided.items()] + [(config, config) for config in alone]


def seeds_of(groups: Groups, config: RunConfig) -> frozenset[int]:
    """Return the seeds of a config's runs."""
    return frozenset(run.seed for run in groups[config])


def format_change(groups: Groups, without: RunConfig, guided: RunConfig, metric: str, digits: int = 2) -> str:
    """Format a metric without and with guidance ("0.50 → 0.70") over the seeds that both configs have."""
    before, after = groups.get(without, []), groups[guided] if guided.guided else []
    if before and after:
        both = seeds_of(groups, without) & seeds_of(groups, guided)
        before = [run for run in before if run.seed in both]
        after = [run for run in after if run.seed in both or not both]
    return f"{format_mean(before, metric, digits)} → {format_mean(after, metric, digits)}"


def format_mean(runs: Sequence[EvaluatedRun], metric: str, digits: int = 2) -> str:
    """Format a metric's mean over runs, with [lowest, highest] if there are several; accuracy is in per cent."""
    statistics = mean_and_range(runs, metric)
    if statistics is None:
        return NO_FIGURE
    mean, low, high = (f"{100 * value if metric == 'accuracy' else value:.{digits}f}" for value in statistics)
    return f"{mean} [{low}, {high}]" if len(runs) > 1 else mean


def mean_and_range(runs: Sequence[EvaluatedRun], metric: str) -> tuple[float, float, float] | None:
    """Compute the mean, the lowest and the highest value of a metric over runs; None if no run has a value."""
    values = [value for run in runs if (value := run.metrics.get(metric)) is not None]
    return (sum(values) / len(values), min(values), max(values)) if values else None
