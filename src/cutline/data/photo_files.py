"""Photo files, opened safely: upright, in red, green and blue, and refused in words when they cannot be read."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""Ends of the names of photos."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""What is decoded: no format that would need another program."""
SMALLEST = 8
"""Pixels of the shorter side."""
MOST_PIXELS = 50_000_000
"""Pixels to decode; a JPEG that is large enough is decoded at a half, a quarter or an eighth of its sides."""
UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""The transposition (as Pillow numbers them) that undoes each EXIF orientation."""
ORIENTATION = 0x0112


def opened(path: str, side: int) -> Image:
    """A photo, decoded, upright, as 8-bit red, green and blue.

    Grey, palette, CMYK and others are converted; what is transparent becomes white; 16-bit and floating point values
    are stretched from their lowest to their highest; of an animation it is the first frame.

    Parameters
    ----------
    path : str
    side : int
        A JPEG with at least twice so many pixels on its shorter side is decoded at reduced size, but no smaller.

    Raises
    ------
    OSError
        There is no such file, or it may not be read.
    ValueError
        A folder or pipe, fewer than 8 pixels wide or high, or too many to decode.
    Exception
        Whatever Pillow raises for a damaged file: `reason` says it in words.
    """
    from PIL import Image

    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
        raise ValueError("no file")
    Image.init()  # Pillow knows only five formats by itself
    with Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if min(width, height) < SMALLEST:
            raise ValueError(f"{width} x {height} pixels")
        image.draft(None, (side, side))
        if image.size[0] * image.size[1] > MOST_PIXELS:
            raise ValueError(f"{width:,} x {height:,} pixels are too many")
        image.load()
        return _turned(_coloured(image), image)


def _coloured(image: Image) -> Image:
    from PIL import Image as images

    if image.mode.startswith(("I", "F")):
        deep = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        spread = np.ptp(deep) or 1.0
        image = images.fromarray(np.rint((deep - deep.min()) / spread * 255).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = images.new("RGB", clear.size, (255, 255, 255))
    white.paste(clear, mask=clear.getchannel("A"))
    return white


def _turned(image: Image, source: Image) -> Image:
    from PIL import Image as images

    try:
        turn = UPRIGHT.get(source.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF data: the photo itself is fine
        return image
    return image if turn is None else image.transpose(images.Transpose(turn))


def reason(error: Exception) -> str:
    """Why a photo cannot be read, in a few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "no photo, or of a format not read"
    if isinstance(error, Image.DecompressionBombError):
        return "far too many pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = str(error).splitlines()[0][:60] if str(error) else type(error).__name__
    return "cut short" if "truncated" in text.lower() or isinstance(error, EOFError) else text


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what Pillow warns of (damaged EXIF, many pixels) to ourselves: a photo can be read or it is named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def listed(named: Iterable[tuple[str, str]]) -> str:
    """The first few of some files with what is the matter with them, and how many more there are.

    >>> listed([("a.jpg", "cut short"), ("b.jpg", "")])
    "'a.jpg' (cut short), 'b.jpg'"
    """
    shown = [f"{name!r} ({why})" if why else repr(name) for name, why in named]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5:,} more" if len(shown) > 5 else "")
