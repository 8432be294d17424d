import json
from io import BytesIO

import pytest

from tests.support.factories import a_member, an_organization
from vedette.accounts.models import User
from vedette.core.relocation import RelocationScope
from vedette.orgs.models import OrganizationMember
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.run import export_rows


@pytest.mark.django_db
@pytest.mark.parametrize("withholds", [True, False])
def test_no_credential_leaves_with_what_an_owner_exports(tmp_path, withholds):
    acme = an_organization("acme")
    ann = a_member(acme, "ann@example.com", "owner")
    User.objects.filter(pk=ann.pk).update(password="pbkdf2$secret", session_nonce="secretnonce")
    ann.emails.update(validation_hash="secrethash")
    OrganizationMember.objects.update(token="secrettoken")
    stream = BytesIO()

    export_rows(
        stream,
        ExportOptions(RelocationScope.ORGANIZATION, org_slugs=frozenset({"acme"}), withholds=withholds),
        work_dir=tmp_path,
    )

    assert (b"secret" in stream.getvalue().replace(b"secret_key", b"")) is not withholds
    rows = {row["model"]: row["fields"] for row in json.loads(stream.getvalue())}
    assert rows["sentry.user"]["password"] == ("!" if withholds else "pbkdf2$secret")
    assert rows["sentry.user"]["username"] == "ann@example.com"
