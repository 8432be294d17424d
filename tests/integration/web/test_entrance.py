"""The first set-up, signing in and out, the landing page."""

import threading

import pytest
from django.db import connections
from django.test import Client

from vedette.accounts.models import User
from vedette.accounts.signin_limits import FAILURES_PER_ADDRESS, FAILURES_PER_NAME
from vedette.orgs.models import Organization, OrganizationMember
from vedette.projects.models import Project
from vedette.web.firstrun import set_up

WISH = {
    "organization": "Acme Ltd",
    "email": "ann@example.com",
    "password": "correct horse battery",
    "project": "Shop",
    "platform": "python-django",
}
PASSWORD = "a long enough password"


@pytest.mark.django_db
class TestSetUp:
    def test_it_makes_the_owner_the_organization_and_a_project_and_signs_in(self, client):
        answer = client.post("/setup/", WISH, follow=True)

        owner = User.objects.get()
        assert OrganizationMember.objects.get().role == "owner"
        assert (owner.email, Organization.objects.get().slug, Project.objects.get().slug) == (
            "ann@example.com",
            "acme-ltd",
            "shop",
        )
        assert answer.redirect_chain[-1][0] == "/organizations/acme-ltd/projects/shop/"
        assert "Waiting for the first event" in answer.text
        assert "sentry_sdk.init" in answer.text

    def test_afterwards_it_is_gone(self, client, ann):
        assert client.get("/setup/").status_code == 404
        assert client.post("/setup/", WISH).status_code == 404

    def test_bad_input_is_told_by_the_field_and_nothing_is_made(self, client):
        answer = client.post("/setup/", {**WISH, "email": "no address", "password": "short"})

        assert answer.status_code == 400
        assert "Enter a valid email address" in answer.text
        assert "too short" in answer.text
        assert not User.objects.exists()

    def test_markup_in_what_is_typed_stays_text(self, client):
        answer = client.post("/setup/", {**WISH, "organization": "<script>x</script>", "email": "bad"})

        assert "<script>x" not in answer.text


@pytest.mark.django_db(transaction=True)
def test_of_two_set_ups_at_the_same_moment_one_makes_the_owner():
    made = []
    together = threading.Barrier(2)

    def arrive(number):
        together.wait(5)
        try:
            made.append(set_up(**{**WISH, "email": f"owner{number}@example.com"}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=arrive, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(result is None for result in made) == [False, True]
    assert (User.objects.count(), Organization.objects.count(), Project.objects.count()) == (1, 1, 1)


@pytest.mark.django_db
class TestSignIn:
    def sign_in(self, name="ann@example.com", password=PASSWORD, **more):
        return Client().post("/auth/login/", {"username": name, "password": password, **more})

    def test_name_or_address_in_any_letter_case(self, ann):
        assert self.sign_in("ANN@example.com").status_code == 302

    def test_an_unknown_name_and_a_wrong_password_look_the_same(self, ann):
        unknown = self.sign_in("nobody@example.com")
        wrong = self.sign_in(password="wrong")

        assert unknown.status_code == wrong.status_code == 400
        assert "do not fit together" in unknown.text
        assert "do not fit together" in wrong.text

    def test_it_goes_on_to_where_one_wanted_to_go(self, ann):
        assert self.sign_in(next="/organizations/acme/issues/?query=x")["Location"] == (
            "/organizations/acme/issues/?query=x"
        )

    @pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"])
    def test_it_never_leads_to_another_host(self, ann, away):
        assert self.sign_in(next=away)["Location"] == "/"

    def test_too_many_failures_for_a_name_are_refused_even_with_the_right_password(self, ann):
        for _ in range(FAILURES_PER_NAME):
            self.sign_in(password="wrong")

        answer = self.sign_in()

        assert answer.status_code == 429
        assert "Wait a quarter of an hour" in answer.text

    def test_too_many_failures_from_an_address_are_refused_for_every_name(self, ann):
        for number in range(FAILURES_PER_ADDRESS):
            self.sign_in(f"name{number}@example.com", "wrong")

        assert self.sign_in().status_code == 429

    def test_a_success_forgets_the_failures_for_the_name(self, ann):
        for _ in range(FAILURES_PER_NAME - 1):
            self.sign_in(password="wrong")
        self.sign_in()

        assert self.sign_in(password="wrong").status_code == 400

    def test_a_deactivated_user_stays_out(self, ann):
        ann.is_active = False
        ann.save()

        assert self.sign_in().status_code == 400

    def test_signing_out_needs_a_post(self, visit, ann):
        browser = visit(ann)

        assert browser.get("/auth/logout/").status_code == 405
        assert browser.post("/auth/logout/").status_code == 302
        assert browser.get("/").status_code == 302


@pytest.mark.django_db
class TestLanding:
    def test_the_only_organization_opens_at_once(self, visit, ann):
        assert visit(ann).get("/")["Location"] == "/organizations/acme/issues/"

    def test_several_are_offered(self, visit, ann, stranger):
        ann.is_superuser = True
        ann.save()

        answer = visit(ann).get("/")

        assert "/organizations/acme/issues/" in answer.text
        assert "/organizations/other/issues/" in answer.text

    def test_whoever_belongs_nowhere_is_told_what_to_do(self, visit, ann, organization):
        organization.members.all().delete()

        assert "You belong to no organization" in visit(ann).get("/").text

    def test_the_address_that_the_command_line_client_opens_leads_to_the_tokens(self, visit, ann):
        answer = visit(ann).get("/orgredirect/organizations/:orgslug/settings/auth-tokens/")

        assert answer["Location"] == "/organizations/acme/settings/auth-tokens/"

    def test_the_colour_scheme_is_kept_in_a_cookie_and_written_by_the_server(self, visit, ann):
        browser = visit()

        browser.post("/theme/", {"theme": "dark", "next": "/auth/login/"})

        assert 'data-theme="dark"' in browser.get("/auth/login/").text
