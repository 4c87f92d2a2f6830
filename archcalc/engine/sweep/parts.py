"""Chunks of a sweep as files in a folder beside the result, so that an interrupted run goes on where it stopped.

A part is named after what decides its content, the plan and the number of the chunk, and ends with a checksum of both
and of its bytes: a part that is cut off, changed or another one is made again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archcalc.results.sweep import Column, Columns, Heading, LeftOut, Tally
from archcalc.source import Diagnostic, SpecError
from archcalc.source.writing import destination, only_writer, take_away, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

    from archcalc.engine.sweep.plan import Plan

_TALLY = "archcalc"
_INTEGERS = "integers:"  # before the name of a column whose integers are written as texts
CHECKSUM = 32  # bytes at the end of a part
DECIMAL_DIGITS = 76  # of the widest numbers that Parquet has


class DamagedError(Exception):
    """A part that was there, and is not what was written."""


class Store(NamedTuple):
    """Where the parts of a plan are."""

    folder: str
    key: str
    is_parquet: bool
    heading: Heading

    def path(self, number: int) -> Path:
        """Of a part."""
        return Path(self.folder) / f"{number:08d}-{self.key[:20]}.{'parquet' if self.is_parquet else 'npz'}"

    def write(self, number: int, columns: Columns, tally: Tally) -> None:
        """Write a part, whole or not at all."""
        target = self.path(number)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = io.BytesIO()
        if self.is_parquet:
            _write_parquet(made, columns, self.heading, tally)
        else:
            _write_npz(made, columns, _tally_text(tally))
        content = made.getvalue()
        write_whole(target, content + self._checksum(number, content), is_tidy=True)

    def found(self, number: int) -> Tally | None:
        """What was found while a part was computed; None where the part is not there, or is damaged."""
        try:
            return _read_tally((_parquet_text if self.is_parquet else _npz_text)(self._content(number)))
        except (FileNotFoundError, DamagedError):
            return None

    def columns(self, number: int) -> Columns:
        """What is in a part.

        Raises:
            SpecError: it was damaged, or removed, since it was found.
        """
        try:
            return (_read_parquet if self.is_parquet else _read_npz)(self._content(number))
        except (FileNotFoundError, DamagedError):
            message = f"the part `{self.path(number)}` was changed or removed while it was needed"
            help = "the same command makes it again"
            raise SpecError([Diagnostic("damaged-part", message, help=help)]) from None

    def tidied(self, count: int) -> tuple[int, int]:
        """How many parts are there, and how many were damaged; those, and what killed writers left, are removed."""
        take_away(Path(self.folder), ".")
        there = damaged = 0
        for number in range(count):
            if self.found(number) is not None:
                there += 1
            elif self.path(number).exists():
                self.path(number).unlink()
                damaged += 1
        return there, damaged

    def remove(self) -> None:
        """Remove the parts, and the folder if nothing else is in it."""
        rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            Path(self.folder).parent.rmdir()

    def _content(self, number: int) -> io.BytesIO:
        data = self.path(number).read_bytes()
        content = data[:-CHECKSUM]
        if data[-CHECKSUM:] != self._checksum(number, content):
            raise DamagedError
        return io.BytesIO(content)

    def _checksum(self, number: int, content: bytes) -> bytes:
        digest = hashlib.sha256(f"{self.key} {number} ".encode())
        digest.update(content)
        return digest.digest()


def store_in(folder: Path, plan: Plan) -> Store:
    """The parts of a plan whose result goes to no file."""
    return Store(str(folder), plan.key, False, plan.heading)


def store_beside(output: Path, plan: Plan, is_parquet: bool) -> Store:
    """The parts of a plan whose result goes to a file: in a hidden folder beside it."""
    folder = folder_beside(output) / plan.key[:20]
    return Store(str(folder), plan.key, is_parquet, plan.heading)


def folder_beside(output: Path) -> Path:
    """Where parts of a result are, and the lock of who writes it.

    Raises:
        OSError: the path leads nowhere.
    """
    target = destination(output)
    return target.parent / f".{target.name}.parts"


@contextmanager
def writing_alone(output: Path) -> Iterator[None]:
    """The right to write a result and its parts, for one process at a time; it ends with the process.

    Raises:
        SpecError: another process has it.
        OSError: the folder may not be written.
    """
    folder = folder_beside(output)
    folder.mkdir(exist_ok=True)
    try:
        with only_writer(folder / "lock") as is_alone:
            if not is_alone:
                message = f"another process is writing `{output}`"
                raise SpecError([Diagnostic("output-in-use", message, help="wait for it, or write to another file")])
            yield
    finally:
        with suppress(OSError):
            folder.rmdir()


def _tally_text(tally: Tally) -> str:
    return json.dumps(
        {
            "computed": tally.computed,
            "kept": tally.kept,
            "checked": tally.checked,
            "wide": sorted(tally.wide),
            "lower_bounds": sorted(tally.lower_bounds),
            "left_out": tally.left_out,
        }
    )


def _read_tally(text: str) -> Tally:
    found: Mapping[str, Any] = json.loads(text)
    left_out = [LeftOut(*each) for each in found["left_out"]]
    wide, lower_bounds = frozenset(found["wide"]), frozenset(found["lower_bounds"])
    return Tally(found["computed"], found["kept"], found["checked"], wide, lower_bounds, left_out)


# NumPy's own format


def _write_npz(file: io.BytesIO, columns: Columns, tally: str) -> None:
    arrays: dict[str, Column] = {_TALLY: np.array(tally)}
    for name, values in columns.items():
        if values.dtype != object:
            arrays[name] = values
        elif any(isinstance(value, int) for value in values[:1]):
            arrays[_INTEGERS + name] = values.astype(str)
        else:
            arrays[name] = values.astype(str)
    np.savez(file, **arrays)  # type: ignore[arg-type]  # names of columns are no options of savez


def _read_npz(file: io.BytesIO) -> Columns:
    found: Columns = {}
    with np.load(file, allow_pickle=False) as arrays:
        for name in arrays.files:
            if name.startswith(_INTEGERS):
                found[name.removeprefix(_INTEGERS)] = np.array([int(text) for text in arrays[name]], dtype=object)
            elif name != _TALLY:
                values = arrays[name]
                found[name] = values.astype(object) if values.dtype.kind == "U" else values
    return found


def _npz_text(file: io.BytesIO) -> str:
    with np.load(file, allow_pickle=False) as arrays:
        return str(arrays[_TALLY])


# Parquet


def schema_of(heading: Heading, wide: Collection[str]) -> pa.Schema:
    """Types of columns: integers past 64 bits are decimals, fractions that no decimal is are texts."""
    import pyarrow as pa

    def type_of(values: Column, is_wide: bool) -> pa.DataType:
        if is_wide:
            return pa.decimal256(DECIMAL_DIGITS, 0)
        return pa.string() if values.dtype == object else pa.from_numpy_dtype(values.dtype)

    axes = [
        (axis.name, type_of(axis.column(np.empty(0, np.int64)), axis.is_numeric and axis.multiples.dtype == object))
        for axis in heading.axes
    ]
    quantities = [
        (name, pa.decimal256(DECIMAL_DIGITS, 0) if name in wide else pa.int64()) for name in heading.quantities
    ]
    return pa.schema([("network", pa.string()), *axes, *quantities])


def to_arrow(columns: Columns, schema: pa.Schema) -> pa.Table:
    """Columns as Parquet has them.

    Raises:
        SpecError: a number has too many digits for any type of Parquet.
    """
    import pyarrow as pa

    arrays = []
    for field in schema:
        items: Any = columns[field.name]
        if pa.types.is_decimal(field.type):
            if any(abs(item) >= 10**DECIMAL_DIGITS for item in items.tolist()):
                message = f"{field.name} has numbers of more than {DECIMAL_DIGITS} digits, too many for Parquet"
                raise SpecError([Diagnostic("too-many-digits", message, help="-o FILE.csv, or .json")])
            items = [Decimal(item) for item in items.tolist()]
        arrays.append(pa.array(items, type=field.type))
    return pa.table(arrays, schema=schema)


def _write_parquet(file: io.BytesIO, columns: Columns, heading: Heading, tally: Tally) -> None:
    import pyarrow.parquet as pq

    table = to_arrow(columns, schema_of(heading, tally.wide))
    pq.write_table(table.replace_schema_metadata({_TALLY: _tally_text(tally)}), file)


def _read_parquet(file: io.BytesIO) -> Columns:
    import pyarrow.parquet as pq

    return columns_of(pq.read_table(file))


def columns_of(table: pa.Table) -> Columns:
    """Columns of a table as a sweep has them: numbers past 64 bits as Python's integers."""
    import pyarrow as pa

    found: Columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            found[name] = column.to_numpy()
        else:
            values: list[Any] = column.to_pylist()
            is_number = pa.types.is_decimal(column.type)
            found[name] = np.array([int(value) for value in values] if is_number else values, dtype=object)
    return found


def _parquet_text(file: io.BytesIO) -> str:
    import pyarrow.parquet as pq

    written = pq.read_metadata(file).metadata or {}
    return written[_TALLY.encode()].decode()
