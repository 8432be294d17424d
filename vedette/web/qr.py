"""QR codes for pages: a drawing that an `<img>` shows, which the policy of pages allows (`security`)."""


def qr_address(text: str) -> str:
    """A `data:` address of an SVG that a camera reads as `text`: black on white with its quiet zone."""
    import segno  # only who sets up an app pays for loading it

    drawing = segno.make(text, error="m", micro=False)
    return drawing.svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
