"""Applications that act through the API, what they were granted, and where they are called.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import CONFIG_OR_GLOBAL, GLOBAL

DECLARED = (
    Relocation(
        "sentry.apikey",
        Silo.CONTROL,
        GLOBAL,
        columns="allowed_origins:s date_added:d key:s label:s scope_list:L scopes:B status:n",
        keys="organization_id~>organization",
        uniques="{key}",
        sanitised="empty: allowed_origins; token: key; name: label; safe: scope_list",
    ),
    Relocation(
        "sentry.apiapplication",
        Silo.CONTROL,
        GLOBAL,
        columns=(
            "allowed_origins:s client_id:s client_secret:s date_added:d homepage_url:s name:s privacy_url:s "
            "redirect_uris:s status:n terms_url:s"
        ),
        keys="owner>user?",
        uniques="{client_id}",
        compared="hash: client_id client_secret",
        sanitised=(
            "empty: allowed_origins redirect_uris; token: client_id client_secret; url: homepage_url privacy_url "
            "terms_url; name: name"
        ),
    ),
    Relocation(
        "sentry.apigrant",
        Silo.CONTROL,
        GLOBAL,
        columns="code:s expires_at:d redirect_uri:s scope_list:L scopes:B",
        keys="application>apiapplication organization_id~>organization? user>user",
        sanitised="token: code; url: redirect_uri; safe: scope_list",
        newer="organization_id",
    ),
    Relocation(
        "sentry.apiauthorization",
        Silo.CONTROL,
        CONFIG_OR_GLOBAL,
        columns="date_added:d scope_list:L scopes:B",
        keys="application>apiapplication? organization_id~>organization? user>user",
        uniques="{application,organization_id,user} {application,user}",
        sanitised="safe: scope_list",
        newer="organization_id",
    ),
    Relocation(
        "sentry.sentryapp",
        Silo.CONTROL,
        GLOBAL,
        columns=(
            "author:s creator_label:s date_added:d date_deleted:d date_published:d date_updated:d events:L "
            "is_alertable:b metadata:J name:s overview:s popularity:n redirect_url:s schema:J scope_list:L scopes:B "
            "slug:s status:n uuid:s verify_install:b webhook_url:s"
        ),
        keys="application!>apiapplication? creator_user>user? owner_id~>organization proxy_user!>user?",
        uniques="{application} {proxy_user} {slug}",
        compared="date-updated: date_updated; e-mail: creator_label",
        sanitised=(
            "string: author overview; email: creator_label; json-empty-list: events; json-empty-object: metadata "
            "schema; name: name; url: redirect_url webhook_url; safe: scope_list; slug: slug; uuid: uuid"
        ),
    ),
    Relocation(
        "sentry.sentryappinstallation",
        Silo.CONTROL,
        GLOBAL,
        columns="date_added:d date_deleted:d date_updated:d status:n uuid:s",
        keys="api_grant!>apigrant? api_token!>apitoken? organization_id~>organization sentry_app>sentryapp",
        uniques="{api_grant} {api_token}",
        compared="date-updated: date_updated",
        sanitised="uuid: uuid",
    ),
    Relocation(
        "sentry.sentryappcomponent",
        Silo.CONTROL,
        GLOBAL,
        columns="schema:J type:s uuid:u",
        keys="sentry_app>sentryapp",
        uniques="{uuid}",
        sanitised="json-empty-object: schema; string: type",
    ),
    Relocation(
        "sentry.servicehook",
        Silo.REGION,
        GLOBAL,
        columns="actor_id:n date_added:d events:L guid:s secret:s status:n url:s version:n",
        keys=(
            "application_id~>apiapplication? installation_id~>sentryappinstallation? organization_id#>organization? "
            "project_id#>project?"
        ),
        uniques="{guid}",
        compared="hash: secret",
        sanitised="json-empty-list: events; uuid: guid; token: secret; url: url",
    ),
)
