"""Real processes, and a real Dask cluster on loopback."""

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest
from distributed import Client

from pipeline.runtime.errors import InputError
from pipeline.runtime.workers import executors
from pipeline.runtime.workers.parallel import ordered_map

sys.path.insert(0, str(Path(__file__).parent))  # spawned processes have it, too
jobs = importlib.import_module("jobs")
ITEMS = range(120)
REPOSITORY = Path(__file__).parents[4]


@contextmanager
def cluster(folder, workers=2, start_in=None, packages=REPOSITORY):
    """A scheduler and its workers, each a process of its own; yields the address and the workers' processes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(packages)])}
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    address_file = folder / "scheduler.json"
    processes = []
    try:
        with (folder / "log").open("wb") as log:
            start = {"env": environment, "stdout": log, "stderr": log, "cwd": start_in}
            processes.append(subprocess.Popen([*command, "--scheduler-file", str(address_file)], **start))
            wait_for(lambda: address_file.exists() and address_file.stat().st_size)
            worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(address_file)]
            worker += ["--nthreads", "1", "--local-directory", str(folder), "--no-dashboard"]
            processes += [subprocess.Popen(worker, **start) for _ in range(workers)]
            address = json.loads(address_file.read_text())["address"]
            with Client(address, set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=30)
            yield address, processes[1:]
    finally:
        for process in processes:
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
                child.kill()
            process.kill()
            process.wait()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 2])
def test_item_that_kills_its_process_costs_its_own_result_alone(workers):
    results = list(ordered_map(jobs.square_or_die, ITEMS, workers, jobs.minus))
    assert results == [-number if number in (37, 90) else number**2 for number in ITEMS]


def test_death_is_an_error_where_nothing_can_stand_for_the_result():
    with pytest.raises(executors.Processes.death_errors):
        list(ordered_map(jobs.square_or_die, ITEMS, 2))


@pytest.mark.parametrize("seconds", [0, 0.05, 1])
def test_a_stop_waits_for_no_work_and_leaves_nothing_that_runs(seconds):
    threads = set(threading.enumerate())
    resource_tracker.ensure_running()  # it lives on
    earlier = psutil.Process().children()
    with executors.open_workers(2, None) as pool:
        futures = [pool.submit(time.sleep, 30) for _ in range(4)]
        time.sleep(seconds)  # workers are starting, or at work
        children = psutil.Process().children()
        start = time.monotonic()
    assert time.monotonic() - start < 5
    assert set(threading.enumerate()) <= threads
    assert all(future.done() for future in futures)
    assert len(children) > len(earlier)
    assert [child for child in children if child not in earlier and child.is_running()] == []


def test_every_process_computes_with_one_thread():
    assert set(ordered_map(jobs.threads_of, ITEMS, 2)) == {(1, 1)}


@pytest.mark.skipif(sys.platform != "linux", reason="large pages on request are Linux's")
def test_every_process_asks_for_large_pages(monkeypatch):
    """Without that, the predictor of landmarks takes twice as long. A setting of the user's own stays."""
    name, value = executors.LARGE_PAGES
    for own, expected in ((None, value), ("glibc.malloc.arena_max=2", "glibc.malloc.arena_max=2")):
        monkeypatch.delenv(name, raising=False)
        if own:
            monkeypatch.setenv(name, own)
        assert set(ordered_map(os.getenv, [name] * 20, 2)) == {expected}


def test_workers_do_not_outlive_a_killed_parent():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from jobs import slow_square; "
        "from pipeline.runtime.workers.parallel import ordered_map\n"
        "if __name__ == '__main__':\n"
        "  for number in ordered_map(slow_square, range(10000), 2): print(number, flush=True)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(Path(__file__).parent)], stdout=subprocess.PIPE)
    parent.stdout.readline()
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 2
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_auto_is_every_core_this_process_may_use(monkeypatch):
    assert executors.worker_count(3) == 3
    assert 1 <= executors.worker_count("auto") <= os.cpu_count()
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 5}, raising=False)
    assert executors.worker_count("auto") == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert executors.worker_count("auto") == 1


@pytest.mark.slow
def test_results_from_a_cluster_are_the_same_with_one_worker_killed_halfway(tmp_path):
    with cluster(tmp_path) as (address, workers):
        results = ordered_map(jobs.slow_square, ITEMS, "auto", jobs.minus, address)
        found = [next(results) for _ in range(20)]
        for process in [*psutil.Process(workers[0].pid).children(recursive=True), workers[0]]:
            process.kill()
        assert found + list(results) == [number**2 for number in ITEMS]


@pytest.mark.slow
def test_item_that_kills_workers_of_a_cluster_costs_its_own_result_alone(tmp_path):
    with cluster(tmp_path) as (address, _):
        results = list(ordered_map(jobs.square_or_die, range(40), "auto", jobs.minus, address))
    assert results == [-number if number == 37 else number**2 for number in range(40)]


def test_scheduler_that_is_not_there_is_one_line():
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9: start"):
        list(ordered_map(jobs.square, ITEMS, 1, scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(InputError, match="--scheduler somewhere is not an address: give it as tcp://host:8786"):
        list(ordered_map(jobs.square, ITEMS, 1, scheduler="somewhere"))


@pytest.fixture
def project(tmp_path, params_path, orl):
    """A project whose photos have relative paths, and a way to run commands in it."""
    folder = tmp_path / "project"
    (folder / "photos").mkdir(parents=True)
    lines = ["image,label,split"]
    for person in range(1, 13):
        name = f"{person}.pgm"
        (folder / "photos" / name).write_bytes((orl / f"s{person}" / "1.pgm").read_bytes())
        lines.append(f"{name},{('anger', 'fear')[person % 2]},{('train', 'validation', 'test')[person // 2 % 3]}")
    (folder / "photos" / "labels.csv").write_text("\n".join(lines))
    text = (
        params_path.read_text().replace("dataset: demo ", "dataset: csv ").replace("workers: auto       #", "workers: 1 #")
    )
    (folder / "params.yaml").write_text(text.replace("root: pipeline/ingest/demo ", "root: photos "))

    def run(*arguments):
        code = "from pipeline.cli import aucue; aucue()"
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert run("ingest").returncode == 0
    return folder, run


@pytest.mark.slow
def test_workers_in_another_folder_give_the_same_bytes_without_noise(project, tmp_path):
    folder, run = project
    (tmp_path / "elsewhere").mkdir()
    outputs = {}
    for where in ("here", "cluster"):
        (tmp_path / where).mkdir()
        with cluster(tmp_path / where, start_in=tmp_path / "elsewhere") as (address, _):
            options = ["--scheduler", address] if where == "cluster" else []
            for stage in ("detect", "landmarks"):
                result = run(stage, "--cache", f"cache {where}", *options)
                assert result.returncode == 0, result.stderr
                assert "ignored" not in result.stderr
                assert [line for line in result.stderr.splitlines() if not line.startswith((f"{stage}: ", "WARNING"))] == []
        shards = [file.read_bytes() for file in sorted((folder / "data" / "faces").iterdir())]
        outputs[where] = [(folder / "data" / "detections.csv").read_bytes(), *shards]
    assert outputs["here"] == outputs["cluster"]
    assert (folder / "data" / "detections.csv").read_text().count(",ok,") == 12


@pytest.mark.slow
def test_a_worker_that_does_not_see_a_file_or_the_package_is_named_in_one_line(tmp_path):
    here = tmp_path / "photo.jpg"
    here.write_bytes(b"")
    with cluster(tmp_path) as (address, workers):
        assert list(ordered_map(jobs.square, range(3), "auto", scheduler=address, files=[str(here)])) == [0, 1, 4]
        match = rf"Dask's worker tcp://127\.0\.0\.1:\d+ does not see {here}x, which is here: start it where"
        with pytest.raises(InputError, match=match):
            list(ordered_map(jobs.square, range(3), "auto", scheduler=address, files=[f"{here}x"]))
        assert all(process.poll() is None for process in workers)
    (tmp_path / "other" / "pipeline").mkdir(parents=True)
    (tmp_path / "other" / "pipeline" / "__init__.py").write_text("raise ImportError('not installed')")
    with (
        cluster(tmp_path / "other", start_in=tmp_path, packages=tmp_path / "other") as (address, _),
        pytest.raises(
            InputError, match=r"Dask's worker tcp://.* cannot run aucue .*not installed.*: give it the same install"
        ),
    ):
        list(ordered_map(jobs.square, range(3), "auto", scheduler=address))


def test_workers_have_stopped_when_the_last_results_come():
    resource_tracker.ensure_running()  # it lives on
    earlier = psutil.Process().children()
    results = ordered_map(jobs.square, range(20), 2)
    found = [next(results) for _ in range(17)]  # the last of three batches has begun
    assert [child for child in psutil.Process().children() if child not in earlier and child.is_running()] == []
    assert [*found, *results] == [number**2 for number in range(20)]
