"""Tables in: files and frames become features and labels, or scores; tables out."""

from __future__ import annotations

from cutline.data.copies import screened, together
from cutline.data.features import Features, features, table_features
from cutline.data.folders import read_folder
from cutline.data.infer import infer_column, infer_schema
from cutline.data.near import near_copies
from cutline.data.raw import Raw
from cutline.data.read import column, missing_file, read_table, table_notes
from cutline.data.samples import SAMPLES, Sample, bundled
from cutline.data.schema import Column, Schema
from cutline.data.scores import read_scores
from cutline.data.stream import pieces
from cutline.data.target import Target, read_target
from cutline.data.times import read_times
from cutline.data.write import replacing, write_table, write_tables, write_text

__all__ = [
    "SAMPLES",
    "Column",
    "Features",
    "Raw",
    "Sample",
    "Schema",
    "Target",
    "bundled",
    "column",
    "features",
    "infer_column",
    "infer_schema",
    "missing_file",
    "near_copies",
    "pieces",
    "read_folder",
    "read_scores",
    "read_table",
    "read_target",
    "read_times",
    "replacing",
    "screened",
    "table_features",
    "table_notes",
    "together",
    "write_table",
    "write_tables",
    "write_text",
]
