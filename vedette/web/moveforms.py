"""The forms of moving data: asking for an export, and uploading what is to be imported."""

from django import forms

from vedette.relocation.hosted import MOST_BYTES, MOST_KEY_BYTES
from vedette.web.forms import PageForm

_EXPORTED, _FULL, _EVENTS = "export", "full", "events"


class ExportForm(PageForm):
    """What an export of the organization holds."""

    holds = forms.ChoiceField(
        choices=[
            (
                _EXPORTED,
                "What Sentry's format holds: members, teams, projects with keys and settings, alerts, dashboards",
            ),
            (_FULL, "That, and releases, commits, deploys, files, and issues with their history"),
            (_EVENTS, "All of that, and events, attachments and release health"),
        ],
        widget=forms.RadioSelect,
        initial=_EXPORTED,
        label="What to export",
    )
    public_key = forms.FileField(
        required=False,
        label="Public key (optional)",
        help_text="A PEM file with an RSA key: the export can then be read with its private key only.",
    )

    def clean_public_key(self) -> bytes:
        """Its bytes."""
        return _small(self.cleaned_data.get("public_key"))

    @property
    def options(self) -> dict[str, bool]:
        """As `hosted.ask_export` takes them."""
        holds = self.cleaned_data["holds"]
        return {"full": holds != _EXPORTED, "with_events": holds == _EVENTS}


class ImportForm(PageForm):
    """A file, and its key where it is encrypted."""

    file = forms.FileField(
        label="File",
        help_text=f"An export of Vedette or of Sentry, up to {MOST_BYTES // 2**20} MB. Larger ones come in pieces "
        "over the API, or by whoever runs the server.",
    )
    private_key = forms.FileField(
        required=False,
        label="Private key (where the file is encrypted)",
        help_text="A PEM file with an RSA key. It is deleted with the upload.",
    )

    def clean_private_key(self) -> bytes:
        """Its bytes."""
        return _small(self.cleaned_data.get("private_key"))


def _small(file: object) -> bytes:
    size = getattr(file, "size", 0)
    if not size:
        return b""
    if size > MOST_KEY_BYTES:
        raise forms.ValidationError("The file is too large for a key.")
    content: bytes = file.read()  # type: ignore[attr-defined]
    return content
