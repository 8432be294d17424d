import pytest

from vedette.core.errors import RuleBroken
from vedette.orgs import options as org_options
from vedette.orgs.services import create_organization
from vedette.projects import options
from vedette.projects.models import ProjectOption
from vedette.projects.services import create_project
from vedette.wire.filters import BY_DEFAULT


@pytest.fixture
def project(db):
    return create_project(create_organization("Acme", "acme"), "Web", "web", platform="python")


def test_an_option_has_a_default_and_a_type(project):
    assert options.get_option(project, options.ALLOWED_DOMAINS) == ("*",)
    assert options.get_option(project, options.AUTO_RELEASE_CREATION) is True

    assert options.set_option(project, options.RESOLVE_AGE, 720)
    assert not options.set_option(project, options.RESOLVE_AGE, 720)

    assert options.get_option(project, options.RESOLVE_AGE) == 720


def test_a_value_of_the_wrong_type_is_refused_by_the_name_of_its_field(project):
    with pytest.raises(RuleBroken) as refusal:
        options.set_option(project, options.RELEASE_ORDERING, "alphabetical")

    assert list(refusal.value.errors) == ["releaseOrdering"]


LISTS = (
    *(option for option in options.OPTIONS if option.read is options.words),
    *(option for option in org_options.OPTIONS if option.read is options.words),
    *(option for option in options.OPTIONS if option.read is options.FILTER_CHUNKS.read),
)


@pytest.mark.parametrize("option", LISTS, ids=lambda option: option.field)
def test_a_list_has_so_many_entries_of_so_many_characters(option):
    for value in (["x" * 257], [f"10.0.0.{number}" for number in range(501)]):
        with pytest.raises(RuleBroken) as refusal:
            option.written(value)
        assert list(refusal.value.errors) == [option.field]


@pytest.mark.parametrize(
    ("option", "fits", "refused"),
    [
        (options.SUBJECT_TEMPLATE, "x" * 8190, "x" * 8191),
        (options.SECURITY_TOKEN_HEADER, "\N{EURO SIGN}" * 2730, "\N{EURO SIGN}" * 2731),
        (options.HIGHLIGHT_CONTEXT, {"a": ["x" * 8182]}, {"a": ["x" * 8183]}),
    ],
    ids=["text", "text of many bytes", "object"],
)
def test_any_other_setting_has_so_many_bytes(option, fits, refused):
    assert option.written(fits) == fits

    with pytest.raises(RuleBroken) as caught:
        option.written(refused)
    assert list(caught.value.errors) == [option.field]
    assert caught.value.errors[option.field][0].endswith(" bytes, 8192 are allowed.")


def test_a_list_may_have_500_entries_of_256_characters():
    entries = tuple(str(number).rjust(256, "x") for number in range(500))

    assert options.SENSITIVE_FIELDS.written(list(entries)) == entries


@pytest.mark.parametrize(("stored", "read"), [("1", True), ("0", False), (["ie9"], ("ie9",)), (True, True)])
def test_a_filter_is_a_switch_or_names_what_it_filters(project, stored, read):
    ProjectOption.objects.create(project=project, key="filters:legacy-browsers", value=stored)

    assert options.get_option(project, options.FILTER_LEGACY_BROWSERS) == read


def test_the_digest_learns_the_defaults(project, settings):
    found = options.digest_options([project.pk, 12345])

    assert found == {
        project.pk: options.DigestOptions(
            project_id=project.pk,
            organization_id=project.organization_id,
            slug="web",
            platform="python",
            scrub_data=True,
            scrub_defaults=True,
            scrub_ip_addresses=False,
            sensitive_fields=(),
            safe_fields=(),
            retention_days=settings.VEDETTE.retention_days,
            stored_crash_reports=0,
            fingerprinting_rules="",
            grouping_enhancements="",
            auto_release_creation=True,
            release_date_from_events=True,
            escalates_new=False,
            storm_events_per_minute=settings.VEDETTE.storm_events_per_minute,
            filters=BY_DEFAULT,
            grouping_config="newstyle:2026-01-20",
            secondary_grouping_config="",
        )
    }


def test_an_organization_forces_scrubbing_on_its_projects(project):
    options.set_option(project, options.DATA_SCRUBBER, False)
    options.set_option(project, options.SENSITIVE_FIELDS, ["pin"])
    org_options.set_option(project.organization, org_options.DATA_SCRUBBER, True)
    org_options.set_option(project.organization, org_options.SCRUB_IP_ADDRESSES, True)
    org_options.set_option(project.organization, org_options.SENSITIVE_FIELDS, ["iban", "pin"])

    found = options.digest_options([project.pk])[project.pk]

    assert found.scrub_data
    assert found.scrub_ip_addresses
    assert found.sensitive_fields == ("iban", "pin")


def test_many_projects_take_three_queries(project, django_assert_num_queries):
    ids = [project.pk, *(create_project(project.organization, f"P{n}").pk for n in range(5))]

    with django_assert_num_queries(3):
        assert len(options.digest_options(ids)) == 6
