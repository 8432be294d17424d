"""What a reason may show of a value that nobody should read in a report.

The lengths are those of the relocation specification, 7.3. In a difference of whole rows, texts of fields that hold
secrets are masked too, which Sentry does not do.
"""

import re
from collections.abc import Callable
from typing import Any

_SECRET_NAME = re.compile(
    r"passw|secret|token|(api|access|signing|encryption|license)[-_. ]?key|private|credential|nonce|session|signature"
    r"|dsn$|cookie|auth[-_.]?data|otp|seed|webhook",
    re.IGNORECASE,
)

# Fields that hold secrets although their names do not say so. None stands for any model.
SECRET_FIELDS: frozenset[tuple[str, str]] = frozenset(
    {
        ("sentry.authenticator", "config"),
        ("sentry.authidentity", "data"),
        ("sentry.authidentity", "ident"),
        ("sentry.authprovider", "config"),
        ("sentry.apikey", "key"),
        ("sentry.apigrant", "code"),
        ("sentry.integration", "metadata"),
        ("sentry.organizationintegration", "config"),
        ("sentry.projectintegration", "config"),
        ("sentry.projectkey", "data"),
        ("sentry.repository", "config"),
        ("sentry.useremail", "validation_hash"),
    }
)


def mask_hash(text: str) -> str:
    """3 + 3 characters of 16 or more, 1 + 1 of 8 or more, else none."""
    if len(text) >= 16:
        return f"{text[:3]}...{text[-3:]}"
    return f"{text[0]}...{text[-1]}" if len(text) >= 8 else "..."


def mask_email(text: str) -> str:
    """First letter, and the last six characters of the domain."""
    local, at, domain = text.rpartition("@")
    return f"{local[:1]}...@...{domain[-6:]}" if at else mask_hash(text)


def mask_password(text: str) -> str:
    """12 + 6 characters of more than 80, 6 + 4 of more than 40, else none."""
    if len(text) > 80:
        return f"{text[:12]}...{text[-6:]}"
    return f"{text[:6]}...{text[-4:]}" if len(text) > 40 else "..."


def is_secret_name(name: str) -> bool:
    """Whether a column, an option or a key inside of JSON is called like something secret."""
    return _SECRET_NAME.search(name) is not None


def is_secret_field(model: str, name: str, row: dict[str, Any]) -> bool:
    """Whether the field's texts are masked: by its own name, or an option's by its key."""
    if (model, name) in SECRET_FIELDS or is_secret_name(name):
        return True
    key = row.get("key")
    return name == "value" and isinstance(key, str) and is_secret_name(key)


def mask_texts(value: Any, mask: Callable[[str], str] = mask_hash) -> Any:
    """The value with every text in it masked; keys, numbers and structure stay."""
    if isinstance(value, str):
        return mask(value) if value else value
    if isinstance(value, list):
        return [mask_texts(part, mask) for part in value]
    if isinstance(value, dict):
        return {key: mask_texts(part, mask) for key, part in value.items()}
    return value


def mask_named_secrets(value: Any) -> Any:
    """The value with the texts under secret-sounding keys masked, at any depth."""
    if isinstance(value, list):
        return [mask_named_secrets(part) for part in value]
    if isinstance(value, dict):
        return {
            key: mask_texts(part) if is_secret_name(str(key)) else mask_named_secrets(part)
            for key, part in value.items()
        }
    return value
