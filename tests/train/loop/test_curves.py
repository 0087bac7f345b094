from pathlib import Path

import pytest
import torch

from pipeline.runtime.errors import InputError
from train.loop.curves import curves, refuse_foreign_files
from train.loop.distributed import DistributedContext
from train.loop.resume import State

ALONE = DistributedContext(0, 1, torch.device("cpu"))
EPOCH = {"train": {"accuracy": 0.5}, "validation": {"accuracy": 0.25}}


def write(folder: Path, epochs: int) -> None:
    with curves(folder, State("run", history=[EPOCH]), ALONE) as log:
        for _ in range(epochs - 1):
            log(EPOCH)


def test_every_epoch_has_a_line(tmp_path):
    for _ in range(2):  # the second training begins anew
        write(tmp_path / "live", 3)
        refuse_foreign_files(tmp_path / "live")
    for split in EPOCH:
        lines = (tmp_path / "live" / "plots" / "metrics" / split / "accuracy.tsv").read_text().splitlines()
        assert [line.split()[0] for line in lines] == ["step", "0", "1", "2"]


@pytest.mark.parametrize("metrics", [{}, {"train": {"loss": 1.0}}, EPOCH])
def test_a_training_that_was_stopped_at_any_moment_can_go_on(tmp_path, metrics):
    def stop_early() -> None:
        with curves(tmp_path / "live", State("run"), ALONE) as log:
            if metrics:
                log(metrics)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_early()
    refuse_foreign_files(tmp_path / "live")
    content = (tmp_path / "live" / "metrics.json").read_bytes()
    for size in range(len(content)):
        (tmp_path / "live" / "metrics.json").write_bytes(content[:size])
        refuse_foreign_files(tmp_path / "live")
    write(tmp_path / "live", 2)


def test_a_full_disk_names_the_curves(tmp_path, mount):
    disk = mount(tmp_path / "disk", size=2**15)
    with pytest.raises(OSError, match=r"No space left on device: '.*live.*'"):
        write(disk / "live", 2000)


@pytest.mark.parametrize("name", ["plots/metrics/holiday.jpg", "plots/images/holiday.png", "report.html", "params.yaml"])
def test_a_file_that_is_no_curve_is_refused_by_name(tmp_path, name):
    """dvclive removes these folders and files when a training begins."""
    path = tmp_path / "live" / name
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    (tmp_path / "live" / "notes.txt").write_text("dvclive leaves them")
    with pytest.raises(InputError, match=rf"{name} is not a curve of a training, and would be lost"):
        refuse_foreign_files(tmp_path / "live")


@pytest.mark.parametrize("name", ["plots/metrics/mine.tsv", "metrics.json"])
def test_a_table_or_figures_of_another_tool_are_refused(tmp_path, name):
    path = tmp_path / "live" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"mine": 1}')
    with pytest.raises(InputError, match=rf"{name} is not a file that this command writes, and would be lost"):
        refuse_foreign_files(tmp_path / "live")
