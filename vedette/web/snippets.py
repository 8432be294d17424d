"""How to connect an application: what to install and what to paste, with the project's own DSN in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Platform:
    """Something that a project can run on. `id` is what the API calls it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to connect. `code` is complete: paste it, run it, and an event arrives."""

    id: str
    name: str
    install: str
    file: str
    code: str


PLATFORMS = (
    Platform("python", "Python"),
    Platform("python-flask", "Flask"),
    Platform("python-django", "Django"),
    Platform("node", "Node.js"),
    Platform("javascript", "Browser JavaScript"),
    Platform("php", "PHP"),
    Platform("ruby", "Ruby"),
    Platform("java", "Java"),
    Platform("go", "Go"),
    Platform("csharp", ".NET"),
    Platform("other", "Something else"),
)

_PYTHON = """import sentry_sdk

sentry_sdk.init(
    dsn="{dsn}",
    release="my-app@1.0.0",
    environment="production",
)

1 / 0  # the first event; take it away again
"""

_FLASK = """import sentry_sdk
from flask import Flask

sentry_sdk.init(
    dsn="{dsn}",
    release="my-app@1.0.0",
    environment="production",
)

app = Flask(__name__)


@app.get("/break")
def break_it():
    return 1 / 0  # open /break for the first event
"""

_DJANGO = """import sentry_sdk

sentry_sdk.init(
    dsn="{dsn}",
    release="my-app@1.0.0",
    environment="production",
)
"""

_NODE = """const Sentry = require("@sentry/node");

Sentry.init({{
  dsn: "{dsn}",
  release: "my-app@1.0.0",
  environment: "production",
}});

// Express: after your routes, Sentry.setupExpressErrorHandler(app);

setTimeout(() => {{
  throw new Error("The first event from Node.js"); // take it away again
}});
"""

_BROWSER = """import * as Sentry from "@sentry/browser";

Sentry.init({{
  dsn: "{dsn}",
  release: "my-app@1.0.0",
  environment: "production",
}});

setTimeout(() => {{
  throw new Error("The first event from a browser"); // take it away again
}});
"""

_OTHER = """export SENTRY_DSN={dsn}
export SENTRY_RELEASE=my-app@1.0.0
export SENTRY_ENVIRONMENT=production
"""

_SNIPPETS = (
    Snippet("python", "Python", "pip install sentry-sdk", "main.py", _PYTHON),
    Snippet("python-flask", "Flask", "pip install 'sentry-sdk[flask]'", "app.py", _FLASK),
    Snippet("python-django", "Django", "pip install 'sentry-sdk[django]'", "settings.py", _DJANGO),
    Snippet("node", "Node.js", "npm install @sentry/node", "instrument.js, required first", _NODE),
    Snippet("javascript", "Browser", "npm install @sentry/browser", "the first module of the page", _BROWSER),
    Snippet("other", "Any other SDK of Sentry", "", "the environment of the process", _OTHER),
)


def snippets_for(dsn: str, platform: str | None) -> list[Snippet]:
    """Every snippet with `dsn` filled in; the one that fits `platform` comes first."""
    filled = [Snippet(one.id, one.name, one.install, one.file, one.code.format(dsn=dsn)) for one in _SNIPPETS]
    family = (platform or "").partition("-")[0]
    return sorted(filled, key=lambda one: (one.id != platform, one.id != family))
