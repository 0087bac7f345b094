import json

import pytest

from pipeline.bench.scale import benchmark
from pipeline.bench.scale.measuring import Measured
from pipeline.bench.scale.steps import EPOCHS, STEPS, Step
from pipeline.runtime.errors import InputError

NAMES = [part for step in STEPS for part in (step.parts or (step.name,))]


@pytest.mark.slow
def test_every_command_is_measured(dataset, params, tmp_path):
    out = tmp_path / "bench" / "scale.json"
    benchmark.main(params, dataset.faces, (700, 400), out, most=100.0, most_megabytes=4000)
    found = json.loads(out.read_text())["commands"]
    assert list(found) == NAMES
    for entries in found.values():
        assert [entry["rows"] for entry in entries] == [400, 700]
        assert min(entry["peak_megabytes"] for entry in entries) > 30
    assert sum(found[name][1]["seconds"] for name in (*EPOCHS, "evaluate")) > 0
    assert [path.name for path in out.parent.iterdir()] == ["scale.json"]


def test_a_broken_ratio_fails_by_the_name_of_the_command(dataset, params, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "STEPS", (Step("sound", ("sound",)), Step("grows", ("grows",))))

    def measure(command, _, folder):
        rows = int(folder.name)
        return Measured((rows * 1e-3 * (rows if command == ("grows",) else 1),), 10**8, 10**8, 0.0)

    monkeypatch.setattr(benchmark, "measure_command", measure)
    with pytest.raises(InputError, match=r"^grows with 800 rows takes .* times the processor time .* more than 1.3$"):
        benchmark.main(params, dataset.faces, (400, 800), tmp_path / "scale.json", most=1.3, most_megabytes=4000)
    assert list(json.loads((tmp_path / "scale.json").read_text())["commands"]) == ["sound", "grows"]


def test_datasets_that_are_too_small_are_refused(dataset, params, tmp_path):
    with pytest.raises(InputError, match="--rows is 10: give 400 or more"):
        benchmark.main(params, dataset.faces, (10, 1000), tmp_path / "scale.json", most=1.3, most_megabytes=4000)
