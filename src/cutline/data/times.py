"""A column that orders rows in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cutline.data.infer import infer_column
from cutline.data.names import find_column
from cutline.data.parse import dates, is_number, numbers
from cutline.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def read_times(table: pa.Table, name: str) -> NDArray[np.float64]:
    """When each row was, shape (n,): days since 1970 of dates, numbers as they are.

    Raises
    ------
    UnknownName, DataError
        No such column; cells that are missing, or neither dates nor numbers.
    """
    name = find_column(name, table.column_names, argument="time")
    values = table.column(name)
    column = infer_column(name, values)
    if column.kind == "date":
        when = dates(values, column.order).values.astype("datetime64[ms]")
        found = np.where(np.isnat(when), np.nan, when.astype(np.float64) / 86_400_000)
    elif is_number(values) or column.kind == "numeric":
        found = numbers(values).values
    else:
        raise DataError("time", f"a column of kind {column.kind}, {name!r}", "dates or numbers")
    gone = int((~np.isfinite(found)).sum())
    if gone:
        raise DataError("time", f"{gone:,} row(s) without a moment in {name!r}", "dates or numbers in every row")
    return found
