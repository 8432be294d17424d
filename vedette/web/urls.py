"""The routes of this room. Shapes that clients hand to people are those of the API specification, 2.8."""

from django.urls import URLPattern, URLResolver, path

from vedette.web.views import account, entrance, issue, organization, projects, stream

app_name = "web"
_ORG = "organizations/<slug:org>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", entrance.landing, name="landing"),
    path("setup/", entrance.setup, name="setup"),
    path("auth/login/", entrance.sign_in, name="login"),
    path("auth/logout/", entrance.sign_out, name="logout"),
    path("theme/", entrance.choose_theme, name="theme"),
    path("orgredirect/organizations/:orgslug/<path:rest>", entrance.org_redirect, name="org_redirect"),
    path("settings/", account.account_home, name="settings"),
    path("settings/account/", account.account_home, name="account_home"),
    path("settings/account/details/", account.account, name="account"),
    path("settings/account/api/auth-tokens/", account.tokens, name="tokens"),
    path("settings/account/api/auth-tokens/<int:token_id>/revoke/", account.revoke_token, name="revoke_token"),
    path(f"{_ORG}/", organization.home, name="organization"),
    path(f"{_ORG}/settings/members/", organization.members, name="members"),
    path(f"{_ORG}/settings/auth-tokens/", organization.tokens, name="organization_tokens"),
    path(
        f"{_ORG}/settings/auth-tokens/<int:token_id>/revoke/",
        organization.revoke_token,
        name="revoke_organization_token",
    ),
    path(f"{_ORG}/projects/", projects.projects, name="projects"),
    path(f"{_ORG}/create-project/", projects.new_project, name="new_project"),
    path(f"{_ORG}/projects/<slug:slug>/", projects.project, name="project"),
    path(f"{_ORG}/projects/<slug:slug>/waiting/", projects.waiting, name="waiting"),
    path(f"{_ORG}/projects/<slug:slug>/keys/", projects.add_key, name="add_key"),
    path(f"{_ORG}/projects/<slug:slug>/keys/<int:key_id>/", projects.change_key, name="change_key"),
    path(f"{_ORG}/issues/", stream.stream, name="stream"),
    path(f"{_ORG}/issues/update/", stream.update, name="update"),
    path(f"{_ORG}/issues/assign/", stream.assign, name="assign"),
    path(f"{_ORG}/issues/<str:issue_id>/", issue.issue, name="issue"),
    path(f"{_ORG}/issues/<str:issue_id>/events/", issue.events, name="events"),
    path(f"{_ORG}/issues/<str:issue_id>/events/<str:event_id>/", issue.issue, name="event"),
    path(f"{_ORG}/issues/<str:issue_id>/events/<str:event_id>/json/", issue.event_json, name="event_json"),
    path(f"{_ORG}/issues/<str:issue_id>/tags/<path:key>/", issue.tag, name="tag"),
    path(f"{_ORG}/issues/<str:issue_id>/attachments/<int:attachment_id>/", issue.attachment, name="attachment"),
    path(f"{_ORG}/releases/<str:version>/", stream.release, name="release"),
    path(f"{_ORG}/discover/<str:place>/", issue.discover, name="discover"),
]
