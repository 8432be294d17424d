"""What counts as a secret: words that hide a whole value, and patterns that hide a part of one.

Source: the ingest specification, 10.3 to 10.5. Letter case is folded within ASCII only.
"""

import re
from dataclasses import dataclass

FILTERED = "[Filtered]"

WORDS = (
    "password",
    "secret",
    "passwd",
    "api_key",
    "api-key",
    "apikey",
    "auth",
    "credentials",
    "mysql_pwd",
    "privatekey",
    "private_key",
    "private-key",
)
"""A key or a text that contains one of these is hidden as a whole."""

WHOLE_WORDS = frozenset({"otp", "two-factor", "two_factor"})
"""So is a key or a text that is one of these."""

TOKEN = "token"  # noqa: S105 - a word, not a secret
"""So is every key that contains this, and a text in which it introduces a value."""

PROBES: dict[str, tuple[str, ...]] = {
    "passw": ("password", "passwd"),
    "secret": ("secret",),
    "key": ("api_key", "api-key", "apikey", "privatekey", "private_key", "private-key"),
    "auth": ("auth",),
    "credentials": ("credentials",),
    "pwd": ("mysql_pwd",),
    "token": (TOKEN,),
    "otp": ("otp",),
    "factor": ("two-factor", "two_factor"),
}
"""All of these words, by a text that they share: nine searches instead of sixteen."""

TOKEN_IN_TEXT = re.compile(r"token[\w'\"-]{0,40}\s{0,8}[:=]", re.IGNORECASE | re.ASCII)

SESSION_COOKIES = frozenset(
    "sentrysid sudo su session __session sessionid user_session symfony phpsessid fasthttpsessionid mysession "
    "irissessionid _vercel_jwt csrf csrftoken csrf-token csrf_token _csrf _csrf_token x-csrf-token x-csrftoken "
    "x_csrf_token xsrf xsrf-token xsrf_token _xsrf x-xsrf-token xsrftoken __host-csrf __secure-csrf "
    "__requestverificationtoken".split()
)
"""Cookies that sign somebody in, in lower case."""

_COUNTRIES = (
    "AD|AE|AL|AT|AZ|BA|BE|BG|BH|BI|BR|BY|CH|CR|CY|CZ|DE|DJ|DK|DO|EE|EG|ES|FI|FK|FO|FR|GB|GE|GI|GL|GR|GT|HN|HR|HU|IE|IL"
    "|IQ|IS|IT|JO|KW|KZ|LB|LC|LI|LT|LU|LV|LY|MC|MD|ME|MK|MN|MR|MT|MU|NI|NL|NO|OM|PK|PL|PS|PT|QA|RO|RS|RU|SA|SC|SD|SE|SI"
    "|SK|SM|SO|ST|SV|TL|TN|TR|UA|VA|VG|XK|YE"
)
CARD = re.compile(
    r"(?<!\d)(?:(?:4\d{3}|5[1-5]\d{2}|6011)(?:[ -]?\d{4}){3}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?!\d)", re.ASCII
)
IBAN = re.compile(
    rf"\b(?:{_COUNTRIES})\d{{2}}(?:[A-Z0-9]{{11,30}}|(?: [A-Z0-9]{{4}}){{2,7}}(?: [A-Z0-9]{{1,3}})?)\b", re.ASCII
)
SSN = re.compile(r"\b\d{3}-\d{2}-\d{4}\b", re.ASCII)
PEM = re.compile(r"(?<=PRIVATE KEY-----)(?!-----END).+?(?=-----END|$)", re.DOTALL)
URL_PASSWORD = re.compile(r"(://[^\s/?#:@\"']*:)([^\s/?#\"']+)(?=@)")
BEARER = re.compile(r"(\bBearer\s+)([^\s\"',;]+)", re.IGNORECASE | re.ASCII)
# Only where a run of its characters begins, and never back: hostile texts are long runs without an @.
EMAIL = re.compile(
    r"(?<![a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-])[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]++@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+", re.ASCII
)
IPV4 = r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"
IPV6 = (
    r"(?<![0-9A-Fa-f:.])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,7}:"
    r"|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|:(?::[0-9A-Fa-f]{1,4}){1,7})(?![0-9A-Fa-f:.])"
)
IP = re.compile(f"{IPV4}|{IPV6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PartRule:
    """Hides the parts of a text that match; group 1, if the pattern has groups, stays in front of `replacement`."""

    id: str
    pattern: re.Pattern[str]
    replacement: str


STRICT = (
    PartRule("@pemkey:filter", PEM, FILTERED),
    PartRule("@urlauth:filter", URL_PASSWORD, FILTERED),
    PartRule("@bearer:filter", BEARER, FILTERED),
    PartRule("@creditcard:filter", CARD, FILTERED),
    PartRule("@iban:filter", IBAN, FILTERED),
    PartRule("@usssn:filter", SSN, FILTERED),
)
"""For free-form data."""

GENTLE = (
    PartRule("@bearer:replace", BEARER, "[token]"),
    PartRule("@email:replace", EMAIL, "[email]"),
    PartRule("@creditcard:replace", CARD, "[creditcard]"),
    PartRule("@iban:replace", IBAN, "[iban]"),
    PartRule("@usssn:replace", SSN, "[us-ssn]"),
)
"""For messages, which people have to be able to read."""

URL_ONLY = (STRICT[1],)
ADDRESSES = PartRule("@ip:replace", IP, "[ip]")
