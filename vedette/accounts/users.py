"""Making users, so that the three rows that belong together are always written together."""

from django.db import transaction
from django.db.models import Q

from vedette.accounts.models import Email, User, UserEmail
from vedette.core import clock
from vedette.core.errors import RuleBroken


def find_user(name_or_email: str) -> User | None:
    """The user with this user name or e-mail address in any letter case; the oldest if several share an address."""
    return (
        User.objects.filter(Q(username__iexact=name_or_email) | Q(email__iexact=name_or_email)).order_by("id").first()
    )


@transaction.atomic
def create_user(
    email: str, password: str | None, *, name: str = "", superuser: bool = False, verified: bool = False
) -> User:
    """A new user who signs in by `email`; without a password nobody can sign in. Raises `RuleBroken` if it is taken."""
    email = email.strip()
    if find_user(email):
        raise RuleBroken({"email": ["A user with this e-mail address already exists."]})
    user = User(username=email, email=email, name=name, is_superuser=superuser, is_staff=superuser)
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
        user.last_password_change = clock.now()
    user.save()
    UserEmail.objects.create(user=user, email=email, is_verified=verified)
    if not Email.objects.filter(email__iexact=email).exists():
        Email.objects.create(email=email)
    return user
