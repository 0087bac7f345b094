"""The stages on disks as people have them: other disks, without locks or permissions, full, not writable. Real processes."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
STAGES = ("ingest", "detect", "landmarks", "heatmaps")
# Root without the right to write to what is not writable.
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
pytestmark = pytest.mark.slow


class Project:
    """A folder with parameters and twelve portraits, where commands run."""

    def __init__(self, folder: Path, orl: Path) -> None:
        self.folder = folder
        (folder / "photos").mkdir(parents=True)
        lines = ["image,label,split"]
        for person in range(1, 13):
            shutil.copy(orl / f"s{person}" / "1.pgm", folder / "photos" / f"{person}.pgm")
            lines.append(f"{person}.pgm,{'anger' if person % 2 else 'fear'},{('train', 'validation', 'test')[person % 3]}")
        (folder / "photos" / "labels.csv").write_text("\n".join(lines))
        text = (REPOSITORY / "params.yaml").read_text()
        for old, new in [("dataset: demo ", "dataset: csv "), ("root: pipeline/ingest/demo ", "root: photos ")]:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / "params.yaml").write_text(text.replace("shard_size: 512", "shard_size: 5").replace("auto  ", "1  ", 1))

    def aucue(self, *arguments: str, before: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, "-c", "from pipeline.cli import aucue; aucue()", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    def run_stages(self, **environment: str) -> str:
        """Run the stages from photos to heatmaps; return all that they said on stderr."""
        said = []
        for stage in STAGES:
            done = self.aucue(stage, **environment)
            assert done.returncode == 0, done.stderr
            said.append(done.stderr)
        return "".join(said)

    def outputs(self) -> dict[str, bytes]:
        data = self.folder / "data"
        names = ("manifest.csv", "duplicates.csv", "detections.csv", "detections.json", "faces", "heatmaps")
        files = [file for name in names for file in [data / name, *sorted((data / name).glob("*"))] if file.is_file()]
        return {file.relative_to(data).as_posix(): file.read_bytes() for file in files}


def is_one_line(done: subprocess.CompletedProcess[str], *parts: str) -> bool:
    """Whether a command failed in one line that holds all parts, besides the lines of progress."""
    lines = [line for line in done.stderr.splitlines() if "[" not in line and "finished already" not in line]
    assert done.returncode == 1, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert all(part in lines[0] for part in parts), lines[0]
    return True


@pytest.fixture
def project(tmp_path, orl):
    return Project(tmp_path / "project", orl)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, orl):
    """The outputs on a plain disk."""
    project = Project(tmp_path_factory.mktemp("undisturbed") / "project", orl)
    project.run_stages()
    assert len(project.outputs()) == 12
    return project.outputs()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """A library that makes system calls fail in the processes that load it."""
    compiler = shutil.which("cc")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler on Linux")
    library = tmp_path_factory.mktemp("library") / "refusing.so"
    source = Path(__file__).with_name("refusing_file_system.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


@pytest.mark.parametrize(
    "refused",
    [
        {"chmod": "EPERM", "link": "EPERM", "utime": "EPERM"},  # FAT, exFAT
        {"chmod": "ENOTSUP", "link": "EOPNOTSUPP", "fsync": "EINVAL", "utime": "ENOSYS"},  # some 9p and SMB mounts
    ],
    ids=["fat", "9p"],
)
def test_every_stage_works_without_permissions_links_and_times(project, undisturbed, refusing, refused):
    refused = " ".join(f"{name}={getattr(errno, number)}" for name, number in refused.items())
    for _ in range(2):  # the second time from the finished work
        said = project.run_stages(LD_PRELOAD=refusing, REFUSED=refused)
        assert project.outputs() == undisturbed
    assert "3 of 3 shards are finished already" in said


@pytest.mark.parametrize("number", ["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def test_tables_are_written_and_resumed_without_locks(project, undisturbed, refusing, number):
    without = {"LD_PRELOAD": refusing, "REFUSED": f"lock={getattr(errno, number)}"}
    for _ in range(2):
        done = [project.aucue(stage, **without) for stage in ("ingest", "detect")]
        assert [each.returncode for each in done] == [0, 0], done
    assert "data has no file locks: .detections.csv.soft.lock stands for the lock" in done[1].stderr
    assert "12 of 12 photos are finished already" in done[1].stderr
    made = project.outputs()
    assert made == {name: undisturbed[name] for name in made}
    assert list(project.folder.rglob("*.soft.lock")) == []


def test_every_stage_works_without_locks(project, undisturbed, refusing):
    project.run_stages(LD_PRELOAD=refusing, REFUSED=f"lock={errno.ENOSYS}")
    assert project.outputs() == undisturbed


@pytest.mark.parametrize("kind", ["faces", "data", "everything", "bind"])
def test_outputs_on_another_disk(project, undisturbed, mount, kind):
    """The second run replaces an earlier set there."""
    data, disk = project.folder / "data", project.folder / "disk"
    data.mkdir()
    if kind == "bind":
        (disk / "faces").mkdir(parents=True)
        mount(data / "faces", disk / "faces")
        mount(data / "heatmaps")
    else:
        mount(disk)
        names = {"faces": ["faces"], "data": []}
        for name in names.get(kind, ["faces", "heatmaps", "manifest.csv", "detections.csv", "generated", ".cache"]):
            (data / name).symlink_to(disk / "deep" / name)
        if kind == "data":
            data.rmdir()
            data.symlink_to(disk / "data")
    links = sorted(path for path in [data, *data.iterdir()] if path.is_symlink()) if data.exists() else [data]
    for _ in range(2):
        project.run_stages()
        assert project.outputs() == undisturbed
    assert all(link.is_symlink() for link in links)
    assert [path for path in project.folder.rglob(".*") if path.name.endswith((".partial", ".tmp"))] == []
    assert project.aucue("verify").returncode == 0


def test_an_earlier_set_on_another_disk_survives_a_full_one(project, mount):
    project.run_stages()
    disk, data = mount(project.folder / "disk", size=2**20), project.folder / "data"
    shutil.move(data / "faces", disk / "faces")
    (data / "faces").symlink_to(disk / "faces")
    before = project.outputs()
    (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free - 20_000))
    shutil.rmtree(data / ".cache")
    assert is_one_line(project.aucue("landmarks"), "o space left", "faces", "free some space on that disk")
    assert project.outputs() == before
    assert sorted(path.name for path in disk.iterdir()) == [".faces.lock", "faces", "filler"]


@pytest.mark.parametrize(
    ("stage", "named"),
    [("ingest", "manifest.csv"), ("detect", "detections.csv"), ("landmarks", "data/faces"), ("heatmaps", "heatmaps")],
)
def test_a_folder_without_permission_is_named(project, stage, named):
    before = () if os.geteuid() else WITHOUT_RIGHTS
    if before and not shutil.which(before[0]):
        pytest.skip("root needs setpriv to give up its rights")
    data = project.folder / "data"
    data.mkdir()
    for each in STAGES[: STAGES.index(stage)]:
        assert project.aucue(each).returncode == 0
    shutil.rmtree(data / ".cache", ignore_errors=True)
    data.chmod(0o555)
    try:
        done = project.aucue(stage, before=before)
    finally:
        data.chmod(0o755)
    assert is_one_line(done, "Permission denied: ", named, "change its permissions, or name another place")


def test_a_file_size_limit_is_named(project):
    project.run_stages()
    before = project.outputs()
    shutil.rmtree(project.folder / "data/.cache")
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); from pipeline.cli import aucue; aucue()"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", script, "landmarks"],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert is_one_line(done, "File too large: ", "faces", "ulimit -f")
    assert project.outputs() == before
