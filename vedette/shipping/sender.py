"""Who asks for something to be shipped."""

from dataclasses import dataclass

from vedette.accounts.models import User


@dataclass(frozen=True, slots=True)
class Sender:
    """A caller: a person, or a credential of nobody by its name (`label`); its kind, its program, its address.

    `credential` is the kind in the field's words (`user_auth_token`, `org_auth_token`), None for a signed-in browser.
    """

    user: User | None = None
    label: str = ""
    credential: str | None = None
    user_agent: str = ""
    ip_address: str | None = None
