"""Writes a set: shard after shard, and the index last."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType, TracebackType

import h5py
import numpy as np

from pipeline.runtime.cache import ShardCache, key, link
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import atomic, write_text
from pipeline.shards.files import (
    COLUMNS,
    INDEX,
    MADE_BY,
    SCHEMA,
    SHARD_NAME,
    Shard,
    digest_of,
    fixed_length,
    read_page,
    shard_of,
)

FROZEN: Mapping[str, object] = MappingProxyType({})


class ShardWriter:
    """Context manager that fills ``folder`` with one set. It is built beside the folder and takes its place when it is
    whole: until then an earlier set stays as it is."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        provenance: Mapping[str, object],
        inputs: Mapping[str, object] = FROZEN,
        work_folder: Path | None = None,
    ) -> None:
        """``provenance`` says what decides each shard besides its rows, and ``inputs`` what the set as a whole is made from."""
        self._folder = folder
        self._building = folder.with_name(f".{folder.name}.partial")
        self._kind = kind
        self._provenance = {**provenance, "code": f"aucue {version('aucue')}"}
        self._inputs = inputs
        self._pages = ShardCache(work_folder, kind)
        self._shards: list[Shard] = []

    def __enter__(self) -> "ShardWriter":
        self._refuse_foreign_content()
        shutil.rmtree(self._building, ignore_errors=True)  # of a killed writer
        self._building.mkdir(parents=True)
        return self

    def _refuse_foreign_content(self) -> None:
        """A slip in a path must not delete somebody's data."""
        if self._folder.exists() and not self._folder.is_dir():
            raise InputError(f"{self._folder} is a file: give a folder to write to")
        index = self._folder / INDEX
        foreign = [path for path in self._folder.glob("*") if path.name != INDEX and not SHARD_NAME.fullmatch(path.name)]
        for path in foreign:
            if path.suffix == ".h5":
                raise InputError(f"{path} is no shard of ours and would be lost: give another folder to write to")
        try:
            kind = str(json.loads(index.read_text(encoding="utf-8"))["kind"])
        except (OSError, ValueError, KeyError, TypeError):  # none, or a damaged one among our own files
            kind = "other files" if foreign else self._kind
        if MADE_BY.get(kind) != MADE_BY[self._kind]:
            raise InputError(f"{self._folder} holds {kind}, not {self._kind}: give another folder to write to")

    def key(self, *rows: object) -> str:
        """The key of a shard, for what decides its rows."""
        return key(SCHEMA, self._provenance, *rows)

    def has(self, key: str) -> bool:
        """Whether an earlier run has finished a shard under this key."""
        return self._pages.find(key) is not None

    def finished(self, names: Sequence[str]) -> "FinishedShards":
        """The shards of earlier runs; recalling one appends it to this set and gives its columns ``names``."""
        return FinishedShards(self, names)

    def adopt(self, key: str, names: Sequence[str]) -> dict[str, np.ndarray] | None:
        """Append the shard that an earlier run finished, if there is one and it is sound; returns some of its columns."""
        page = self._pages.find(key)
        if page is None:
            return None
        try:
            columns = read_page(page, self._kind, list(COLUMNS[self._kind]))
        except InputError:
            page.unlink()
            return None
        shard = replace(shard_of(page, self._kind), file=self._next)
        link(page, self._building / shard.file)
        self._shards.append(shard)
        return {name: columns[name] for name in names}

    def write(self, columns: Mapping[str, np.ndarray | list[str]], rows: int, key: str | None = None) -> Shard:
        """Append a shard of ``rows`` rows, with all columns of the set's kind; with a ``key``, later runs can adopt it."""
        path = self._building / self._next
        image, digests = self._image(columns, rows)
        with atomic(path) as temporary:
            temporary.write_bytes(image)
        if key:
            self._pages.keep(key, path)
        self._shards.append(Shard(path.name, rows, digests))
        return self._shards[-1]

    def _image(self, columns: Mapping[str, np.ndarray | list[str]], rows: int) -> tuple[bytes, dict[str, str]]:
        """A shard's file and the digests of its columns. Made in memory: HDF5 can crash the process on a full disk."""
        digests = {}
        with h5py.File("shard", "w", libver=("earliest", "v110"), driver="core", backing_store=False) as file:
            file.attrs["schema"] = SCHEMA
            file.attrs["kind"] = self._kind
            file.attrs["stamp"] = json.dumps(self._provenance, sort_keys=True)
            for name, (letter, _) in COLUMNS[self._kind].items():
                data = fixed_length(columns[name]) if letter == "S" else columns[name]
                digests[name] = digest_of(file.create_dataset(name, data=data), [data])
            file.attrs["rows"] = rows
            file.attrs["columns"] = json.dumps(digests, sort_keys=True)
            file.flush()
            return file.id.get_file_image(), digests

    @property
    def _next(self) -> str:
        return f"{len(self._shards):05d}.h5"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            index = {
                "schema": SCHEMA,
                "kind": self._kind,
                "stamp": {**self._provenance, **self._inputs},
                "shards": [vars(shard) for shard in self._shards],
            }
            write_text(self._building / INDEX, json.dumps(index, indent=1, sort_keys=True) + "\n")
            self._publish()
        shutil.rmtree(self._building, ignore_errors=True)

    def _publish(self) -> None:
        """Put the new set in the place of an earlier one. Its index goes first, the new one comes last."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / INDEX).unlink(missing_ok=True)
        for stale in self._folder.glob("*.h5"):
            stale.unlink()
        for shard in self._shards:
            os.rename(self._building / shard.file, self._folder / shard.file)
        os.rename(self._building / INDEX, self._folder / INDEX)


class FinishedShards:
    """Shards of earlier runs that a writer can adopt (see ``pipeline.runtime.resumption``)."""

    def __init__(self, writer: ShardWriter, names: Sequence[str]) -> None:
        self._writer = writer
        self._names = names

    def __contains__(self, key: str) -> bool:
        return self._writer.has(key)

    def recall(self, key: str) -> dict[str, np.ndarray] | None:
        """Append the shard to the writer's set; returns some of its columns, or None if it is damaged."""
        return self._writer.adopt(key, self._names)
