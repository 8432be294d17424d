"""Running the real `sentry-cli`, both lines of it, against a project of the live server."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

MODULES = Path(__file__).parent / "clients" / "node_modules"


def _program(*places: str) -> str:
    """The binary that the package for this machine ships."""
    for place in places:
        for found in sorted((MODULES / place).glob("cli-*/bin/sentry-cli")):
            return str(found)
    return str(MODULES / "@sentry" / "cli" / "bin" / "sentry-cli")


PROGRAMS = {"3": _program("@sentry"), "2": _program("sentry-cli-2/node_modules/@sentry")}


@dataclass(frozen=True, slots=True)
class SentryCli:
    """`sentry-cli` of one line, with the token of the project's owner and nobody's configuration."""

    line: str
    shop: Shop

    def run(
        self,
        *arguments: str,
        token: str | None = None,
        dsn: str = "",
        directory: Path | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run it; whatever comes of it."""
        variables = {
            "SENTRY_URL": self.shop.server.url,
            "SENTRY_AUTH_TOKEN": token or self.shop.token,
            "SENTRY_NO_PROGRESS_BAR": "1",
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
            "HOME": str(self.shop.server.directory),
            "PATH": "/usr/bin:/bin",
            **({"SENTRY_DSN": dsn} if dsn else {}),
            **environment,
        }
        return subprocess.run(
            [PROGRAMS[self.line], *arguments],
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=directory or self.shop.server.directory,
        )

    def __call__(
        self, *arguments: str, token: str | None = None, dsn: str = "", directory: Path | None = None, **more: str
    ) -> str:
        """What it prints when it is content."""
        done = self.run(*arguments, token=token, dsn=dsn, directory=directory, **more)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def refused(self, *arguments: str, token: str | None = None, directory: Path | None = None, **more: str) -> str:
        """What it complains of when it is not, on one line."""
        done = self.run(*arguments, token=token, directory=directory, **more)
        assert done.returncode != 0, f"{arguments}: {done.stdout}"
        return " ".join(f"{done.stdout}\n{done.stderr}".split())
