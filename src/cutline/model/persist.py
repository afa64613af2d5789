"""One file for a classifier: a zip of a JSON manifest and plain arrays, some of which hold a library's own format.

Nothing in it is executed. Every array is an entry named by its SHA-256; the manifest says which belongs where, and
carries a digest of itself: a damaged or carelessly altered file is refused. (It is no signature: who can write the
file can also write its digests.)
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

from numpy.typing import NDArray

from cutline.calibration import calibrator_from_dict
from cutline.checks import Findings
from cutline.data import Schema, replacing
from cutline.decision import OperatingPoint
from cutline.errors import CutlineError, ModelFileError
from cutline.labels import Classes
from cutline.model.boost import CatBoost
from cutline.model.classifier import Classifier, Measured, Plan
from cutline.model.cumulative import Cumulative
from cutline.model.keras_network import KerasNetwork
from cutline.model.linear import Linear, OneVsRest
from cutline.model.member import LONG_AGO, npy, of_npy
from cutline.model.network import Network
from cutline.model.text import TextLinear
from cutline.model.trees import Trees
from cutline.model.vectors import VectorLinear

FORMAT = 1
KINDS = (Linear, OneVsRest, Cumulative, TextLinear, VectorLinear, Trees, CatBoost, Network, KerasNetwork)
MEMBERS: dict[str, Any] = {each.kind: each for each in KINDS}
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

    def kept(arrays: Mapping[str, Any]) -> dict[str, str]:
        """Arrays as entries named by their SHA-256: what several folds share is stored once."""
        names = {}
        for name, values in arrays.items():
            content = npy(values)
            names[name] = f"{hashlib.sha256(content).hexdigest()}.npy"
            entries[names[name]] = content
        return names

    bag = [
        {"weight": weight, "members": [{"kind": each.kind, "arrays": kept(each.arrays())} for each in members]}
        for weight, members in model.bag
    ]
    measured = {field.name: getattr(model.measured, field.name) for field in fields(Measured)}
    manifest = {
        "format": FORMAT,
        "classes": model.classes.to_dict(),
        "schema": model.schema.to_dict(),
        "bag": bag,
        "measured": kept({name: each for name, each in measured.items() if each is not None}),
        "calibrator": model.calibrator.to_dict(),
        "point": model.point.to_dict(),
        "plan": model.plan.to_dict(),
        "notes": list(model.notes),
        "findings": model.findings.to_dict(),
    }
    manifest["digest"] = _digest(manifest)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "manifest.json", json.dumps(manifest, allow_nan=False, indent=1).encode())
        for name, content in sorted(entries.items()):
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
    saved = [member["arrays"] for part in manifest["bag"] for member in part["members"]]
    listed = {"manifest.json"}.union(manifest["measured"].values(), *(each.values() for each in saved))
    if sorted(info.filename for info in infos) != sorted(listed):
        raise ModelFileError(name, "entries that the manifest does not list, or lists in vain", "an unaltered file")
    found: dict[str, NDArray[Any]] = {}
    for entry in sorted(listed - {"manifest.json"}):
        content = archive.read(entry)
        if f"{hashlib.sha256(content).hexdigest()}.npy" != entry:
            raise ModelFileError(name, f"entry {entry} that does not match its digest", "an unaltered file")
        found[entry] = of_npy(content)

    def arrays(names: Mapping[str, str]) -> dict[str, NDArray[Any]]:
        return {each: found[entry] for each, entry in names.items()}

    bag = tuple(
        (float(part["weight"]), tuple(MEMBERS[m["kind"]].from_arrays(arrays(m["arrays"])) for m in part["members"]))
        for part in manifest["bag"]
    )
    measured = arrays(manifest["measured"])
    return Classifier(
        Classes.from_dict(manifest["classes"]),
        Schema.from_dict(manifest["schema"]),
        bag,
        calibrator_from_dict(manifest["calibrator"]),
        OperatingPoint.from_dict(manifest["point"]),
        Plan.from_dict(manifest["plan"]),
        Measured(**measured),
        tuple(manifest["notes"]),
        Findings.from_dict(manifest.get("findings", {"findings": [], "checked": []})),
    )


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = archive.compression
    archive.writestr(info, content)


def _digest(manifest: Mapping[str, Any]) -> str:
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()
