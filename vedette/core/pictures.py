"""Pictures of people and organizations: taken from strangers, and kept as nothing but pixels.

What is kept is drawn anew: no metadata, no second frame, no bytes behind the end, whatever the sender hid in them.
How large a picture becomes is read from its header before a single pixel is. Pure. Source: the release specification,
section 19 with its [V].
"""

import struct
import warnings
import zlib
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from vedette.core.errors import Refused, RuleBroken

MOST_BYTES = 5_000_000
LEAST_SIDE, MOST_SIDE = 256, 1024
KEPT_SIDE = 256  # twice of what pages show at most
SIDES = (20, 32, 36, 48, 52, 64, 80, 96, 120)
_FORMATS = ("GIF", "JPEG", "PNG")
_BROKEN = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


class PictureTooLarge(Refused):
    """More bytes than a picture may have."""

    code = "picture-too-large"
    status = 413

    def __init__(self) -> None:
        super().__init__("Image too large")


class NoPicture(RuleBroken):
    """The bytes are no picture, or one of a size that is not taken."""

    code = "no-picture"


def cleaned(content: bytes) -> bytes:
    """A stranger's GIF, JPEG or PNG as a PNG of `KEPT_SIDE` pixels a side. Raises `PictureTooLarge`, `NoPicture`."""
    if len(content) > MOST_BYTES:
        raise PictureTooLarge
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)  # of what is odd about metadata
            with Image.open(BytesIO(content), formats=_FORMATS) as picture:
                width, height = picture.size
                fits = width == height and LEAST_SIDE <= width <= MOST_SIDE
                drawn = _png(ImageOps.exif_transpose(picture), KEPT_SIDE) if fits else b""
    except _BROKEN as error:
        raise NoPicture("Invalid image format.") from error
    if not fits:
        raise NoPicture("Invalid image dimensions.")
    return drawn


@lru_cache(maxsize=64)  # with what they are made of: some megabytes
def resized(png: bytes, side: int) -> bytes:
    """A picture that `cleaned` made, `side` pixels a side."""
    with Image.open(BytesIO(png), formats=("PNG",)) as picture:
        return _png(picture, side)


def nearest_side(wish: int) -> int:
    """The size that is made which is nearest to the wish; of two the smaller."""
    return min(SIDES, key=lambda side: abs(side - wish))


def _png(picture: Image.Image, side: int) -> bytes:
    pixels = picture.convert("RGBA").resize((side, side), Image.Resampling.LANCZOS)
    # What `picture` knows beside its pixels stays behind.
    alone = Image.frombytes("RGBA", pixels.size, pixels.tobytes())
    out = BytesIO()
    alone.save(out, "PNG", optimize=True)
    return out.getvalue()
