"""Threshold tables as frames, and as Parquet files that come back bit for bit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import DataError, InputError
from cutline.metrics.metric import Metric
from cutline.metrics.registry import find
from cutline.metrics.table import ThresholdTable, Weights

VERSION = 1
"""Of the file format; raised when an older reader would misread a file."""

KEY = b"cutline.threshold_table"
SUMS = tuple(Weights.__dataclass_fields__)


def to_frame(table: ThresholdTable, *metrics: Metric | str, like: Any = None) -> Any:
    """One row for each threshold: threshold, tp, fp, fn, tn (sums of weights when weighted) and the metrics.

    Parameters
    ----------
    table : ThresholdTable
        Counts.
    *metrics : Metric or str
        Of counts, such as ``precision`` or ``"f2"``; one column each, under its name, nan where undefined.
    like : frame, module or str, optional
        A frame of the library that the result should be of, or the library or its name ("pandas", "polars",
        "pyarrow"). A pyarrow Table when not given.

    Raises
    ------
    InputError
        A metric that is none of counts, or a library nobody knows.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.metrics.table_file import to_frame
    >>> s = cl.Scores(y_true=[0, 1, 0, 1], y_score=[0.1, 0.4, 0.6, 0.9], kind="probability")
    >>> to_frame(cl.ThresholdTable.from_scores(s), cl.precision, cl.recall).to_pylist()[2]
    {'threshold': 0.6, 'tp': 1, 'fp': 1, 'fn': 1, 'tn': 1, 'precision': 0.5, 'recall': 0.5}
    """
    c = table.counts()
    columns = {"threshold": table.thresholds, **{name: getattr(c, name) for name in ("tp", "fp", "fn", "tn")}}
    for metric in (find(m) if isinstance(m, str) else m for m in metrics):
        if metric.of_counts is None:
            raise InputError("metrics", metric.name, "metrics of counts at a threshold, such as precision")
        columns[metric.name] = np.asarray(metric.value(c), dtype=np.float64)
    import narwhals as nw

    backend: Any = "pyarrow"
    if isinstance(like, ModuleType | str):
        backend = like if isinstance(like, str) else like.__name__
    elif like is not None:
        try:
            backend = nw.from_native(like).implementation
        except TypeError:
            raise InputError("like", type(like).__name__, "a frame, or the name of its library") from None
    try:
        return nw.from_dict(columns, backend=backend).to_native()
    except (TypeError, ValueError, ImportError) as error:
        raise InputError("like", str(backend), "pandas, polars or pyarrow", str(error).splitlines()[0][:100]) from None


def save(table: ThresholdTable, path: str | os.PathLike[str]) -> None:
    """Save as a Parquet file, under a temporary name first; `load` gives the same table back, bit for bit.

    The file holds thresholds, rows and sums of weights, and is an ordinary one to other readers.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, NDArray[Any]] = {"threshold": table.thresholds, "tp": table.tp, "fp": table.fp}
    if table.weights is not None:
        columns |= {f"weight_{name}": getattr(table.weights, name) for name in SUMS}
    about = {"version": VERSION, "bucketed": table.bucketed, "weighted": table.weighted}
    made = pa.table(columns).replace_schema_metadata({KEY: json.dumps(about).encode()})
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        parquet.write_table(made, draft, compression="zstd", write_page_checksum=True)
        os.replace(draft, target)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DataError(str(target), f"a path that cannot be written ({reason})", "another path") from None
    finally:
        draft.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> ThresholdTable:
    """A table that `save` wrote.

    Raises
    ------
    DataError
        No such file, a damaged one, another kind of file, or one of a newer format.
    """
    import pyarrow as pa
    from pyarrow import parquet

    name = os.fspath(path)
    wanted = "a threshold table that save wrote"
    try:
        # Not memory-mapped, so that the file may be replaced while the table lives.
        found = parquet.read_table(name, partitioning=None, page_checksum_verification=True)
    except FileNotFoundError:
        raise DataError(name, "a path that does not exist", wanted) from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:120]
        hint = "it is cut off, damaged or no Parquet file: save the table again"
        raise DataError(name, f"a file that cannot be read ({reason})", wanted, hint) from None
    about = _about(found.schema.metadata, name)
    columns = {column: found[column].to_numpy() for column in found.column_names}
    sums = [f"weight_{each}" for each in SUMS] if about["weighted"] else []
    lacking = [column for column in ("threshold", "tp", "fp", *sums) if column not in columns]
    if lacking or not _sound(columns):
        came = f"a file without {lacking}" if lacking else "columns that are no cumulative counts"
        raise DataError(name, came, wanted, "it was changed after saving: save the table again")
    weights = Weights(*(columns[each] for each in sums)) if sums else None
    more: Any = {"bucketed": True} if about["bucketed"] else {}
    return ThresholdTable(columns["threshold"], columns["tp"], columns["fp"], weights, **more)


def _about(metadata: dict[bytes, bytes] | None, name: str) -> dict[str, Any]:
    if not metadata or KEY not in metadata:
        hint = "a file of scores is read with Scores, then ThresholdTable.from_scores"
        raise DataError(name, "a Parquet file of something else", "a threshold table that save wrote", hint)
    about: dict[str, Any] = json.loads(metadata[KEY])
    if about["version"] > VERSION:
        raise DataError(name, f"format {about['version']}", f"format {VERSION} or older", "upgrade cutline")
    return about


def _sound(columns: dict[str, NDArray[Any]]) -> bool:
    """Thresholds from +inf strictly down, and all else from 0 never down."""
    at = columns["threshold"]
    if at.dtype != np.float64 or not len(at) or at[0] != np.inf or not (np.diff(at) < 0).all():
        return False
    return all(
        values.dtype.kind in "if" and values[0] == 0 and bool((np.diff(values) >= 0).all())
        for name, values in columns.items()
        if name != "threshold"
    )
