"""Real data that comes with the package or with scikit-learn, for demos and examples."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, NamedTuple

from cutline.data.read import read_table
from cutline.errors import UnknownName

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = {
    "spambase": "4,597 mails as 57 figures: spam or not (UCI Spambase)",
    "breast_cancer": "569 tumours as 30 measures: malignant or benign (scikit-learn)",
    "wine": "178 wines as 13 measures: three cultivars (scikit-learn)",
    "digits": "1,797 handwritten digits as 64 grey values (scikit-learn)",
}
"""Name and description of each data set."""


class Sample(NamedTuple):
    """A data set: ``table, target, positive = bundled(name)``."""

    table: pa.Table
    target: str
    positive: str | None
    """None for more than two classes."""


def bundled(name: str) -> Sample:
    """A data set that is there without a download.

    Parameters
    ----------
    name : {"spambase", "breast_cancer", "wine", "digits"}
        Which; `SAMPLES` describes them.

    Raises
    ------
    UnknownName
        Any other name.

    Examples
    --------
    >>> table, target, positive = bundled("spambase")
    >>> table.num_rows, table.num_columns, target, positive
    (4597, 58, 'label', 'spam')
    """
    if name not in SAMPLES:
        raise UnknownName.among("name", name, SAMPLES)
    if name == "spambase":
        with as_file(files("cutline.data") / "bundled" / "spambase.parquet") as path:
            return Sample(read_table(path), "label", "spam")
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{name}")()
    names = [f"cultivar {i + 1}" for i in range(3)] if name == "wine" else loaded.target_names
    labels = loaded.target if name == "digits" else [str(names[code]) for code in loaded.target]
    columns: dict[str, Any] = dict(zip(map(str, loaded.feature_names), loaded.data.T, strict=True))
    return Sample(read_table({**columns, "label": labels}), "label", "malignant" if name == "breast_cancer" else None)
