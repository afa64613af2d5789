"""One file for a classifier: a zip of a JSON manifest, plain arrays and LightGBM's own text. Nothing in it is executed.

The manifest names every other entry with its SHA-256, and carries a digest of itself: a damaged or carelessly altered
file is refused. (It is no signature: who can write the file can also write its digests.)
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import calibrator_from_dict
from cutline.data import Schema, replacing
from cutline.decision import OperatingPoint
from cutline.errors import CutlineError, ModelFileError
from cutline.labels import Classes
from cutline.model.boost import CatBoost
from cutline.model.classifier import Classifier, Measured, Plan
from cutline.model.linear import Linear
from cutline.model.member import LONG_AGO, Member, packed, unpacked
from cutline.model.network import Network
from cutline.model.trees import Trees

FORMAT = 1
MEMBERS: dict[str, Any] = {each.kind: each for each in (Linear, Trees, CatBoost, Network)}
MOST_BYTES = 4 << 30
"""A declared size above this is refused before anything is unpacked."""
SEAL = 64
"""Length of the zip comment: the SHA-256 of all bytes before it, so that no flipped bit goes unseen."""
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError),
    *(KeyError, IndexError, TypeError, ValueError, AttributeError),
)
"""What reading a broken file can raise."""


def save(model: Classifier, path: str | os.PathLike[str]) -> None:
    """Write the classifier under a temporary name, then rename."""
    entries: dict[str, bytes] = {}
    bag = []
    for number, (weight, members) in enumerate(model.bag):
        names = []
        for fold, member in enumerate(members):
            name = f"members/{number}-{fold}.npz"
            entries[name] = packed(member.arrays())
            names.append({"entry": name, "kind": member.kind})
        bag.append({"weight": weight, "members": names})
    measured = {field.name: getattr(model.measured, field.name) for field in fields(Measured)}
    measured = {name: np.asarray(each) for name, each in measured.items() if each is not None}
    entries["measured.npz"] = packed(measured)
    manifest = {
        "format": FORMAT,
        "classes": model.classes.to_dict(),
        "schema": model.schema.to_dict(),
        "bag": bag,
        "calibrator": model.calibrator.to_dict(),
        "point": model.point.to_dict(),
        "plan": model.plan.to_dict(),
        "notes": list(model.notes),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in entries.items()},
    }
    manifest["digest"] = _digest(manifest)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "manifest.json", json.dumps(manifest, allow_nan=False, indent=1).encode())
        for name, content in entries.items():
            _put(archive, name, content)
        archive.comment = b"-" * SEAL  # its length stands in the file before its text
    body = whole.getvalue()[:-SEAL]
    with replacing(path) as draft:
        draft.write_bytes(body + hashlib.sha256(body).hexdigest().encode())


def load(path: str | os.PathLike[str]) -> Classifier:
    """Load a classifier saved by `Classifier.save`. No code from the file is run.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    ModelFileError
        Not such a file, damaged, altered, or of a newer format.
    """
    name = os.fspath(path)
    try:
        if os.path.getsize(path) > MOST_BYTES:
            raise ModelFileError(name, "a file of more than 4 GiB", "a classifier of sane size")
        with open(path, "rb") as file:
            content = file.read()
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise ModelFileError(name, "no zip file, or half of one", "a classifier saved by cutline")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.comment != hashlib.sha256(content[:-SEAL]).hexdigest().encode():
                raise ModelFileError(
                    name,
                    "bytes that do not match their digest",
                    "a classifier saved by cutline, unaltered",
                    "copy it again",
                )
            return _read(archive, name)
    except FileNotFoundError:
        raise ModelFileError(name, "no such file", "a classifier saved by cutline") from None
    except IsADirectoryError:
        raise ModelFileError(name, "a folder", "a classifier saved by cutline") from None
    except CutlineError as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(name, f"an inconsistent file ({error})", "a classifier saved by cutline") from None
    except BROKEN as error:
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ModelFileError(
            name,
            f"a damaged file, or none of ours ({why})",
            "a classifier saved by cutline",
            "copy it again, or fit anew",
        ) from None


def _read(archive: zipfile.ZipFile, name: str) -> Classifier:
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise ModelFileError(name, "entries that unpack to more than 4 GiB", "a classifier of sane size")
    manifest = json.loads(archive.read("manifest.json"))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise ModelFileError(name, "a zip file without our manifest", "a classifier saved by cutline")
    if manifest["format"] > FORMAT:
        raise ModelFileError(
            name, f"format {manifest['format']}", f"format {FORMAT} or older", "install a newer cutline to load it"
        )
    if manifest.get("digest") != _digest(manifest):
        raise ModelFileError(name, "a manifest that does not match its digest", "an unaltered file", "copy it again")
    listed = sorted(["manifest.json", *manifest["sha256"]])
    if sorted(info.filename for info in infos) != listed:
        raise ModelFileError(name, "entries that the manifest does not list, or lists in vain", "an unaltered file")
    entries = {entry: archive.read(entry) for entry in manifest["sha256"]}
    for entry, content in entries.items():
        if hashlib.sha256(content).hexdigest() != manifest["sha256"][entry]:
            raise ModelFileError(name, f"entry {entry} that does not match its digest", "an unaltered file")
    classes = Classes.from_dict(manifest["classes"])
    bag = tuple(
        (float(part["weight"]), tuple(_member(entries[m["entry"]], m["kind"]) for m in part["members"]))
        for part in manifest["bag"]
    )
    return Classifier(
        classes,
        Schema.from_dict(manifest["schema"]),
        bag,
        calibrator_from_dict(manifest["calibrator"]),
        OperatingPoint.from_dict(manifest["point"]),
        Plan.from_dict(manifest["plan"]),
        _measured(unpacked(entries["measured.npz"])),
        tuple(manifest["notes"]),
    )


def _measured(arrays: Mapping[str, NDArray[Any]]) -> Measured:
    values: dict[str, Any] = {**arrays, "crossed": bool(arrays["crossed"])}
    return Measured(**values)


def _member(content: bytes, kind: str) -> Member:
    made: Member = MEMBERS[kind].from_arrays(unpacked(content))
    return made


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = archive.compression
    archive.writestr(info, content)


def _digest(manifest: Mapping[str, Any]) -> str:
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()
