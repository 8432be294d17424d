"""Names of SDKs as rules see them.

Source: the grouping specification, 3.4. The SDKs that keep their own name are those that their makers publish under it.
"""

_FRONTENDS = "angular astro browser capacitor ember gatsby nextjs nuxt react react-native remix solid svelte"
_FRAMEWORKS = "sveltekit vue"
_SERVERS = "aws-serverless bun cloudflare deno electron google-cloud-serverless nestjs node serverless"
KNOWN = frozenset(
    {f"sentry.javascript.{name}" for name in f"{_FRONTENDS} {_FRAMEWORKS} {_SERVERS}".split()}
    | {f"sentry.java.{name}" for name in "android jul log4j2 logback spring spring-boot".split()}
    | {f"sentry.dotnet.{name}" for name in "android aspnetcore maui unity xamarin".split()}
    | {f"sentry.native.{name}" for name in "android unity unreal".split()}
    | {f"sentry.php.{name}" for name in "laravel symfony".split()}
    | {f"sentry.ruby.{name}" for name in "rails sidekiq".split()}
    | {"sentry.dart.flutter", "sentry.cocoa.unity", "sentry.python.django", "sentry.python.flask"}
)


def sdk_group(name: str | None) -> str | None:
    """The name if it is a known one, else the part that says the platform: `sentry.javascript`, `sentry.go`."""
    if not name:
        return None
    return name if name in KNOWN else ".".join(name.split(".")[:2])
