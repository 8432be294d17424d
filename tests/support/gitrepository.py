"""A real git repository in a directory, made with the real git."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

WHEN = 1_767_225_600  # 2026-01-01T00:00:00Z; each commit is a minute younger than the one before


@dataclass
class GitRepository:
    """A repository that tests commit to. Nothing of the machine's configuration has a say in it."""

    path: Path
    number: int = 0

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, **environment: str) -> str:
        """What git says. Raises `CalledProcessError`."""
        mine = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ann Author",
            "GIT_AUTHOR_EMAIL": "ann@example.com",
            "GIT_COMMITTER_NAME": "Cem Committer",
            "GIT_COMMITTER_EMAIL": "cem@example.com",
            **environment,
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=mine, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    def commit(self, message: str = "Change it", files: dict[str, str | None] | None = None, **environment: str) -> str:
        """Write files (None removes one) and commit them; the id of the commit."""
        self.number += 1
        for name, content in ({f"file{self.number}.txt": "x"} if files is None else files).items():
            file = self.path / name
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        self.git("add", "--all")
        when = f"{WHEN + 60 * self.number} +0000"
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        self.git("commit", "--quiet", "--allow-empty", "--message", message, **{**dates, **environment})
        return self.git("rev-parse", "HEAD")
