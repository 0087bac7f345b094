import multiprocessing
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from itertools import chain
from types import SimpleNamespace

import pytest
import torch

from pipeline.runtime.errors import InputError
from pipeline.shards.shard_file import ShardFile
from train.bench.large_sets import build_large_sets
from train.data import loading
from train.data.dataset import Batch, Faces, open_shards, training_classes
from train.data.loading import BatchLoader, reader_count, reader_failures, split_batches


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_hold_the_items_that_are_asked_for(faces, workers):
    items = [[3, 1], [4], [0, 2, 3]]
    batches = list(BatchLoader(faces, items, workers))
    assert [batch.rows.tolist() for batch in batches] == [[int(faces.rows[item]) for item in batch] for batch in items]
    assert torch.equal(batches[1].images[0], faces[4][0])


def test_parts_of_processes_make_up_the_batches():
    items = list(range(23))
    whole = split_batches(items, 6)
    assert [len(batch) for batch in whole] == [6, 6, 6, 5]
    parts = [split_batches(items, 6, rank, 4) for rank in range(4)]
    assert [list(chain(*batch)) for batch in zip(*parts, strict=True)] == whole


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_a_shard_is_said_whichever_process_reads_it(faces, monkeypatch, workers):
    def damaged(index):
        raise InputError("faces/000.h5 is damaged: make it again")

    monkeypatch.setattr(faces, "heatmap", damaged)
    with pytest.raises(InputError, match=r"^faces/000\.h5 is damaged: make it again$"):
        list(BatchLoader(faces, [[0, 1]], workers))


def test_nobody_reads_beside_a_training_on_the_cpu(params, monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr("pipeline.runtime.workers.executors.worker_count", lambda number: 12)
    assert (reader_count(params.train, cpu), reader_count(params.train, gpu)) == (0, 8)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert reader_count(params.train, gpu) == 3
    assert reader_count(params.train.model_copy(update={"workers": 5}), cpu) == 5


def test_batches_may_change_between_iterations_and_the_same_processes_read_them(faces):
    loader = BatchLoader(faces, [[0, 1]], 2)
    assert [batch.rows.tolist() for batch in loader] == [faces.rows[[0, 1]].tolist()]
    readers = children()
    loader.batches = [[2], [3], [4, 5]]
    assert len(loader) == 3
    assert [batch.rows.tolist() for batch in loader] == [faces.rows[batch].tolist() for batch in loader.batches]
    assert children() == readers
    assert len(readers) >= 2


def test_an_iteration_that_is_given_up_does_not_disturb_the_next(faces):
    loader = BatchLoader(faces, [[item] for item in range(12)], 2)
    assert next(iter(loader)).rows.tolist() == faces.rows[[0]].tolist()
    assert [batch.rows.tolist() for batch in loader] == [[row] for row in faces.rows[:12].tolist()]


def children():
    return {process.pid for process in multiprocessing.active_children()}


@pytest.mark.slow
def test_readers_check_nothing_again(faces, monkeypatch):
    """The parent has compared all digests: after that, nobody does."""
    loader = BatchLoader(faces, [[0, 1], [2, 3]], 2)

    def checked_again(*_):
        raise InputError("checked again")

    monkeypatch.setattr(ShardFile, "find", checked_again)
    monkeypatch.setattr(ShardFile, "column", checked_again)
    monkeypatch.setattr(ShardFile, "check", checked_again)
    assert len(list(loader)) == 2


@pytest.mark.slow
def test_a_damaged_shard_is_found_before_anything_is_read(dataset, tmp_path):
    for folder in (dataset.faces, dataset.heatmaps):
        shutil.copytree(folder, tmp_path / folder.name)
    shards = open_shards(tmp_path / "faces", tmp_path / "heatmaps")
    train = Faces(*shards, "train", training_classes(shards[0]))
    file = tmp_path / "faces" / shards[0].shards[train.rows[0] // 40].file
    content = bytearray(file.read_bytes())
    content[content.rindex(b"\xff\xd8\xff") + 300] ^= 1  # in its last crop
    file.write_bytes(content)
    with pytest.raises(InputError, match=rf"{file.name} holds another crop_bytes than is listed"):
        BatchLoader(train, [[0]], 2)


def test_a_batch_of_another_process_is_the_same_to_the_bit_and_in_memory(faces, monkeypatch):
    (here,) = BatchLoader(faces, [[0, 1, 2]])
    for short in (False, True):
        if short:
            monkeypatch.setattr(torch.Tensor, "share_memory_", no_room)
        (there,) = BatchLoader(faces, [[0, 1, 2]], 1)
        for name, values in vars(here).items():
            other = getattr(there, name)
            assert torch.equal(other, values)
            assert (other.stride(), other.dtype) == (values.stride(), values.dtype)


def no_room(_):
    raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)")


NAMESPACE = ("unshare", "--mount", "--propagation", "private")
SMALL = """
mount -t tmpfs -o size={size}k tmpfs /dev/shm && exec "$@"
"""
READ = """
import sys
from pathlib import Path
from train.data.dataset import Faces, open_shards, training_classes
from train.data.loading import BatchLoader
shards = open_shards(Path(sys.argv[1]), Path(sys.argv[2]))
faces = Faces(*shards, "train", training_classes(shards[0]))
items = [[(start + item) % len(faces) for item in range(8)] for start in range(40)]  # 1.6 MB each
loader = BatchLoader(faces, items, 8)
for _ in range(2):
    assert [batch.rows.tolist() for batch in loader] == [faces.rows[batch].tolist() for batch in items]
"""


@pytest.mark.parametrize("size", [64, 4096])
def test_shared_memory_that_is_too_small_is_done_without(dataset, size):
    """Docker gives a container 64 MB."""
    if not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("may not mount a small /dev/shm here")
    command = [*NAMESPACE, "sh", "-c", SMALL.format(size=size), "sh", sys.executable, "-c", READ]
    done = subprocess.run(
        [*command, str(dataset.faces), str(dataset.heatmaps)], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("train: ")]  # PyTorch warns of few cores
    assert "train.workers" in line
    assert "--shm-size" in line
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
@pytest.mark.slow
def test_many_shards_are_read_where_a_process_may_open_few_files(dataset, tmp_path):
    """Some systems allow 256, with two loaders of eight readers and two sets of shards."""
    large = build_large_sets(*open_shards(dataset.faces, dataset.heatmaps), 158 * 40, "jpeg", tmp_path)
    script = (
        f"{LIMITED}{READ}"
        """
from torch.utils.data import RandomSampler
orders = [[list(RandomSampler(faces))[:64] for _ in range(24)] for _ in range(2)]
loaders = [BatchLoader(faces, order, 8) for order in orders]
for batches in zip(*loaders, strict=True):
    assert [len(batch.rows) for batch in batches] == [64, 64]
assert len(shards[0].columns("id", "aus")["id"]) == 158 * 40
for index in range(0, len(faces), 20):
    faces[index]
"""
    )
    command = [sys.executable, "-c", script, *map(str, large)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


KILL = """
import multiprocessing, os, signal, sys
from pathlib import Path
from pipeline.runtime.errors import InputError
from train.data.dataset import Faces, open_shards, training_classes
from train.data.loading import BatchLoader, reader_failures
shards = open_shards(Path(sys.argv[1]), Path(sys.argv[2]))
loader = BatchLoader(Faces(*shards, "train", training_classes(shards[0])), [[0, 1]] * 1000, 2)
try:
    with reader_failures():
        for number, batch in enumerate(loader):
            if number == 2:
                os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
except InputError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_reader_that_is_killed_ends_the_reading_with_a_sentence(dataset):
    script = "-W", "ignore", "-c", KILL  # on one core PyTorch warns that two processes are too many
    command = [sys.executable, *script, str(dataset.faces), str(dataset.heatmaps)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    pattern = r"a process that reads faces died.*: .*train\.workers.*`aucue train --resume`\n"
    errors = done.stderr.partition("Exception ignored in: <function Library.__del__")[0]  # PyTorch's own, while Python ends
    assert re.fullmatch(pattern, errors)


def test_a_batch_that_cannot_be_handed_over_is_not_waited_for(faces, monkeypatch, capfd):
    def fail(_):
        raise ValueError("cannot be sent")

    monkeypatch.setattr(Batch, "__reduce__", fail)
    with pytest.raises(InputError, match="a process that reads faces died"), reader_failures():
        list(BatchLoader(faces, [[0, 1]], 1))
    assert capfd.readouterr().err == "train: a process that reads faces cannot hand over a batch: cannot be sent\n"


def test_other_errors_of_pytorch_are_left_alone():
    with pytest.raises(RuntimeError, match=r"^out of memory$"), reader_failures():
        raise RuntimeError("out of memory")


def test_a_gpu_gets_a_batch_while_it_works_on_the_one_before(monkeypatch):
    """What is asked of PyTorch, without a GPU."""
    done = []

    class Stream:
        def __init__(self, name):
            self.name = name

        def wait_stream(self, other):
            done.append(f"{self.name} waits for {other.name}")

    @contextmanager
    def within(stream):
        done.append(f"on {stream.name}")
        yield
        done.append("back")

    class Copied:
        def __init__(self, number):
            self.number = number

        def to(self, device):
            done.append(f"copy {self.number} to {device}")
            return self

        def record_stream(self, stream):
            done.append(f"keep {self.number} for {stream.name}")

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("work"))
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream("copies"))
    monkeypatch.setattr(torch.cuda, "stream", within)
    for batch in loading.on_device(map(Copied, range(2)), torch.device("cuda")):
        done += [f"step {batch.number}"]
    of_one = ["on copies", "copy {} to cuda", "back", "work waits for copies", "keep {} for work", "step {}"]
    assert done == [line.format(number) for number in range(2) for line in of_one]


def test_every_tensor_of_a_batch_is_kept(faces):
    batch, kept = next(iter(BatchLoader(faces, [[0, 1]]))), []
    marked = Batch(
        *(SimpleNamespace(record_stream=lambda stream, name=name: kept.append((name, stream))) for name in vars(batch))
    )
    marked.record_stream("work")
    assert kept == [(name, "work") for name in vars(batch)]
