"""Pictures of strangers become pixels, or nothing (release specification, 19)."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from vedette.core.pictures import (
    KEPT_SIDE,
    MOST_BYTES,
    NoPicture,
    PictureTooLarge,
    cleaned,
    nearest_side,
    resized,
)


def a_picture(kind="PNG", size=(300, 300), mode="RGB", colour="red", **more):
    out = BytesIO()
    Image.new(mode, size, colour).save(out, kind, **more)
    return out.getvalue()


def opened(content):
    return Image.open(BytesIO(content))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def a_png_that_says(width, height, *chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("GIF", "P")])
@pytest.mark.parametrize("side", [256, 300, 1024])
def test_a_picture_becomes_a_png_of_one_size(kind, mode, side):
    made = opened(cleaned(a_picture(kind, (side, side), mode, 1)))

    assert (made.format, made.size, made.mode) == ("PNG", (KEPT_SIDE, KEPT_SIDE), "RGBA")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_becomes_one_as_well(mode):
    assert opened(cleaned(a_picture("JPEG", mode=mode, colour=1))).size == (KEPT_SIDE, KEPT_SIDE)


def test_what_a_picture_tells_beside_its_pixels_is_gone():
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = "at home", {1: "N", 2: (52.0, 31.0, 12.0)}
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "secret")
    texts.add_itxt("XML:com.adobe.xmp", "secret")
    sent = [
        a_picture("JPEG", exif=exif, comment=b"secret", icc_profile=b"secret profile"),
        a_picture(pnginfo=texts, exif=exif, icc_profile=b"secret profile", dpi=(72, 72)),
        a_picture("GIF", comment=b"secret"),
        a_picture() + b"<script>secret</script>",
    ]

    for one in sent:
        made = cleaned(one)
        names = {made[at + 4 : at + 8] for at in _chunks(made)}
        assert names == {b"IHDR", b"IDAT", b"IEND"}
        assert b"secret" not in made
        assert opened(made).getexif() == {}


def _chunks(png):
    at = 8
    while at < len(png):
        yield at
        at += 12 + struct.unpack(">I", png[at : at + 4])[0]


def test_a_picture_that_a_camera_held_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the top is on the right
    picture = Image.new("RGB", (300, 300), "white")
    picture.paste("red", (0, 0, 150, 300))
    out = BytesIO()
    picture.save(out, "JPEG", exif=exif)

    made = opened(cleaned(out.getvalue())).convert("RGB")

    assert made.getpixel((128, 20))[1] < 60
    assert made.getpixel((128, 230))[1] > 200


def test_of_a_film_the_first_picture_is_kept():
    frames = [Image.new("RGB", (256, 256), colour) for colour in ("red", "blue")]
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])

    made = opened(cleaned(out.getvalue()))

    assert getattr(made, "n_frames", 1) == 1
    assert made.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    "size", [(255, 255), (1025, 1025), (300, 301), (1, 1), (256, 1024)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_a_picture_of_another_size_is_refused(size):
    with pytest.raises(NoPicture, match=r"Invalid image dimensions\."):
        cleaned(a_picture(size=size))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        a_picture("BMP"),
        a_picture("WEBP"),
        a_picture("TIFF"),
        a_picture()[:200],
        a_picture("JPEG")[:300],
        a_png_that_says(300, 300),
        a_png_that_says(300, 300, chunk(b"IDAT", b"no zlib")),
        a_png_that_says(0, 0),
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 100,
    ],
    ids="empty gif svg bmp webp tiff cut-png cut-jpeg no-data bad-data nothing noise".split(),
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(NoPicture, match=r"Invalid image (format|dimensions)\."):
        cleaned(content)


@pytest.mark.parametrize("side", [12_000, 2**31 - 1])
def test_a_bomb_is_refused_by_what_its_header_says(side):
    with pytest.raises(NoPicture):
        cleaned(a_png_that_says(side, side, chunk(b"IDAT", zlib.compress(b"\0" * 1000))))


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_bomb_beside_the_pixels_is_refused_or_left_behind(name):
    packed = zlib.compress(b"\0" * 2**23, 9)
    body = b"a\0\1\0\0\0" + packed if name == b"iTXt" else b"a\0\0" + packed
    whole = a_picture()
    bomb = whole[:33] + chunk(name, body) + whole[33:]

    try:
        made = cleaned(bomb)
    except NoPicture:
        return
    assert len(made) < 10_000


def test_more_bytes_than_a_picture_has_are_too_large():
    with pytest.raises(PictureTooLarge, match="Image too large"):
        cleaned(b"\0" * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("wish", "side"), [(0, 20), (19, 20), (26, 20), (33, 32), (50, 48), (100, 96), (120, 120), (10**6, 120)]
)
def test_a_size_is_the_nearest_of_a_few(wish, side):
    assert nearest_side(wish) == side
    assert opened(resized(cleaned(a_picture()), side)).size == (side, side)
