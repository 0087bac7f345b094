"""Write a shard set: one shard after the other, and the index last."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType, TracebackType

import h5py
import numpy as np

from pipeline.runtime.finished_work.cache import ShardCache, json_digest, link
from pipeline.runtime.outputs.files import atomic, write_text
from pipeline.runtime.outputs.places import building_folder, make_folder, move, name_output, naming_output, uninterrupted
from pipeline.shards.errors import ShardAccessError, ShardError
from pipeline.shards.files import COLUMNS, column_digest, encode_strings
from pipeline.shards.foreign_content import refuse_foreign_content
from pipeline.shards.index import INDEX, SCHEMA, Shard
from pipeline.shards.shard_file import read_cached_shard

NO_INPUTS: Mapping[str, object] = MappingProxyType({})


class ShardWriter:
    """Context manager that fills a folder with one set.

    The set is built in a hidden folder where ``folder`` really is, and replaces an earlier set when it is complete. Until
    then, and after an error, the earlier set stays as it is. File errors name a shard by its final path.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        provenance: Mapping[str, object],
        inputs: Mapping[str, object] = NO_INPUTS,
        work_folder: Path | None = None,
    ) -> None:
        """Prepare to write; nothing is touched before the with block begins.

        Args:
            folder: Folder of the set. Files in it that are not shards stay.
            kind: ``faces``, ``heatmaps`` or ``class_heatmaps``.
            provenance: Everything but the rows that decides the content of each shard: plain data for JSON.
            inputs: Everything else that the whole set is made from: plain data for JSON, which the index alone holds.
            work_folder: Folder of finished work (see ``finished_work.cache.work_folder``); None to adopt no shards.
        """
        self._folder = folder
        self._kind = kind
        self._provenance = {**provenance, "code": f"aucue {version('aucue')}"}
        self._inputs = inputs
        self._cache = ShardCache(work_folder, kind)
        self._shards: list[Shard] = []

    def __enter__(self) -> "ShardWriter":
        self._earlier = refuse_foreign_content(self._folder, self._kind)
        self._building = building_folder(self._folder)
        return self

    def key(self, *rows: object) -> str:
        """Return the key of a shard, a digest of the set's provenance and of the plain data that decides its rows."""
        return json_digest(SCHEMA, self._provenance, *rows)

    def has(self, key: str) -> bool:
        """Tell whether an earlier run finished a shard under this key."""
        return self._cache.find(key) is not None

    def finished(self, names: Sequence[str]) -> "FinishedShards":
        """Return the shards of earlier runs: recalling a shard appends it to this set and returns its columns ``names``."""
        return FinishedShards(self, names)

    def adopt(self, key: str, names: Sequence[str]) -> dict[str, np.ndarray] | None:
        """Append the shard that an earlier run finished under this key.

        Returns:
            The shard's columns ``names``. None if there is no such shard, or it cannot be read. A damaged shard is removed.
        """
        cached = self._cache.find(key)
        if cached is None:
            return None
        try:
            found, columns = read_cached_shard(cached, self._kind, list(COLUMNS[self._kind]))
        except ShardAccessError:  # nothing is known of its content
            return None
        except ShardError:
            cached.unlink()
            return None
        shard = replace(found, file=self._next_name)
        link(cached, self._building / shard.file)
        self._shards.append(shard)
        return {name: columns[name] for name in names}

    def write(self, columns: Mapping[str, np.ndarray | list[str]], rows: int, key: str | None = None) -> Shard:
        """Append a shard.

        Args:
            columns: All columns of the set's kind (see the package's docstring); strings as lists of text.
            rows: Number of rows.
            key: Key under which later runs can adopt the shard; without a key they cannot.

        Returns:
            The entry of the index.
        """
        path = self._building / self._next_name
        image, digests = self._image(columns, rows)
        with atomic(path) as temporary:
            temporary.write_bytes(image)
        if key:
            self._cache.keep(key, path)
        self._shards.append(Shard(path.name, rows, digests))
        return self._shards[-1]

    def _image(self, columns: Mapping[str, np.ndarray | list[str]], rows: int) -> tuple[bytes, dict[str, str]]:
        """Build a shard's file in memory, with the digests of its columns: HDF5 can crash the process on a full disk."""
        digests = {}
        with h5py.File("shard", "w", libver=("earliest", "v110"), driver="core", backing_store=False) as file:
            file.attrs["schema"] = SCHEMA
            file.attrs["kind"] = self._kind
            file.attrs["stamp"] = json.dumps(self._provenance, sort_keys=True)
            for name, (letter, _) in COLUMNS[self._kind].items():
                data = encode_strings(columns[name]) if letter == "S" else np.asarray(columns[name])
                stored = file.create_dataset(name, data=data)
                digests[name] = column_digest(stored.dtype, stored.shape, [data])
            file.attrs["rows"] = rows
            file.attrs["columns"] = json.dumps(digests, sort_keys=True)
            file.flush()
            return file.id.get_file_image(), digests

    @property
    def _next_name(self) -> str:
        return f"{len(self._shards):05d}.h5"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, OSError):
            name_output(error, self._building, self._folder)
        try:
            if kind is None:
                with naming_output(self._building, self._folder):
                    self._write_index()
        except BaseException:
            shutil.rmtree(self._building, ignore_errors=True)
            raise
        if kind is None:
            with naming_output(self._building, self._folder):
                self._publish()  # after an error there, the rest of the set stays where it was built
        shutil.rmtree(self._building, ignore_errors=True)

    def _write_index(self) -> None:
        index = {
            "schema": SCHEMA,
            "kind": self._kind,
            "stamp": {**self._provenance, **self._inputs},
            "shards": [vars(shard) for shard in self._shards],
        }
        write_text(self._building / INDEX, json.dumps(index, indent=1, sort_keys=True) + "\n")

    def _publish(self) -> None:
        """Replace an earlier set by the new one. The earlier index is removed first, and the new index comes last."""
        make_folder(self._folder)
        names = [shard.file for shard in self._shards]
        with uninterrupted():
            (self._folder / INDEX).unlink(missing_ok=True)
            for name in names:
                move(self._building / name, self._folder / name)
            for name in set(self._earlier) - set(names):
                (self._folder / name).unlink()
            move(self._building / INDEX, self._folder / INDEX)


class FinishedShards:
    """Shards of earlier runs that a writer can adopt (see ``pipeline.runtime.finished_work.resumption``)."""

    def __init__(self, writer: ShardWriter, names: Sequence[str]) -> None:
        self._writer = writer
        self._names = names

    def __contains__(self, key: str) -> bool:
        return self._writer.has(key)

    def recall(self, key: str) -> dict[str, np.ndarray] | None:
        """Append the shard to the writer's set and return some of its columns (see ``ShardWriter.adopt``)."""
        return self._writer.adopt(key, self._names)
