"""The QR code of an authenticator app: what a camera sees is what was meant."""

import xml.etree.ElementTree as ET
from urllib.parse import unquote

import segno

from vedette.web.qr import qr_address

TEXT = "otpauth://totp/Vedette:ann%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Vedette"


def drawing(text):
    kind, _, content = qr_address(text).partition(",")
    assert kind.startswith("data:image/svg+xml")
    return ET.fromstring(unquote(content))


def test_it_is_drawn_black_on_white_with_a_quiet_zone():
    found = drawing(TEXT)
    light, dark = found.iter("{http://www.w3.org/2000/svg}path")
    modules = segno.make(TEXT, error="m", micro=False).symbol_size(border=4)[0]

    assert (light.get("fill"), dark.get("stroke")) == ("#fff", "#000")
    assert light.get("d") == f"M0 0h{modules}v{modules}h-{modules}z"
    assert int(found.get("width")) == modules * 5


def test_markup_in_the_text_never_reaches_the_drawing():
    assert "<b>" not in unquote(qr_address("<b>'\"</b>"))
