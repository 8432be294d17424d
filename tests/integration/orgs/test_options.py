import pytest

from vedette.core.errors import RuleBroken
from vedette.orgs.models import OrganizationOption
from vedette.orgs.options import (
    ATTACHMENTS_ROLE,
    DATA_SCRUBBER,
    OPTIONS,
    PROJECT_RATE_LIMIT,
    SENSITIVE_FIELDS,
    get_option,
    options_of,
    set_option,
)
from vedette.orgs.services import create_organization


@pytest.fixture
def acme(db):
    return create_organization("Acme", "acme")


def test_an_option_has_a_default_and_a_type(acme):
    assert get_option(acme, DATA_SCRUBBER) is False

    set_option(acme, DATA_SCRUBBER, True)
    set_option(acme, SENSITIVE_FIELDS, ["pin", " pin ", "", "tan"])

    assert get_option(acme, DATA_SCRUBBER) is True
    assert get_option(acme, SENSITIVE_FIELDS) == ("pin", "tan")


def test_what_changed_is_told_for_the_audit_log(acme):
    assert set_option(acme, PROJECT_RATE_LIMIT, 100) is None
    assert set_option(acme, PROJECT_RATE_LIMIT, 50) == "from 100 to 50"
    assert set_option(acme, PROJECT_RATE_LIMIT, 50) is None
    assert set_option(acme, DATA_SCRUBBER, True) == "to True"


@pytest.mark.parametrize(
    ("option", "value"),
    [(DATA_SCRUBBER, "yes"), (PROJECT_RATE_LIMIT, 1000), (PROJECT_RATE_LIMIT, True), (SENSITIVE_FIELDS, [1])],
    ids=lambda value: getattr(value, "field", repr(value)),
)
def test_a_value_of_the_wrong_type_is_refused_by_the_name_of_its_field(acme, option, value):
    with pytest.raises(RuleBroken) as refusal:
        set_option(acme, option, value)

    assert list(refusal.value.errors) == [option.field]
    assert not OrganizationOption.objects.exists()


def test_an_imported_value_of_the_wrong_type_reads_as_the_default(acme):
    OrganizationOption.objects.create(organization=acme, key=ATTACHMENTS_ROLE.key, value={"not": "a role"})
    OrganizationOption.objects.create(organization=acme, key=DATA_SCRUBBER.key, value=1)

    assert get_option(acme, ATTACHMENTS_ROLE) == "member"
    assert get_option(acme, DATA_SCRUBBER) is True


def test_all_options_of_many_organizations_take_one_query(acme, django_assert_num_queries):
    other = create_organization("Other", "other")
    set_option(other, DATA_SCRUBBER, True)

    with django_assert_num_queries(1):
        options = options_of([acme.pk, other.pk])

    assert options[other.pk]["dataScrubber"] is True
    assert options[acme.pk] == {option.field: option.default for option in OPTIONS}
