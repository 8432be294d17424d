"""Where a person gets mail: at an address that is proven to be theirs, and nowhere else."""

from vedette.accounts.models import User


def address_of(user: User) -> str:
    """The user's own address if it is verified, else the oldest verified one; empty if there is none."""
    verified = [row.email for row in user.emails.filter(is_verified=True).order_by("pk")]
    own = user.email.lower()
    return next((address for address in verified if address.lower() == own), verified[0] if verified else "")
