"""The parts of docs/reference/ that are written from the code: `make docs` writes them, a test compares them."""

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import django

from vedette.cli.main import COMMANDS, cli
from vedette.settings import VARIABLES
from vedette.wire.outcomes import Category, Outcome

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- written by `make docs` from the code, from here … -->"
END = "<!-- … to here -->"


def settings_table() -> str:
    """Every environment variable."""
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for variable in VARIABLES:
        secret = " *Secret.*" if variable.secret else ""
        lines.append(f"| `{variable.name}` | {_cell(variable.default)} | {_cell(variable.meaning)}{secret} |")
    return "\n".join(lines)


def commands() -> str:
    """Every command with its options, as its `--help` tells them."""
    top = click.Context(cli, info_name="vedette", **cli.context_settings)
    return "\n\n".join(_sections(top, {name: importlib.import_module(COMMANDS[name][0]).command for name in COMMANDS}))


def _sections(parent: click.Context, commands: Mapping[str, click.Command]) -> Iterator[str]:
    """A section for each command, and for those of a group behind it."""
    for name, command in commands.items():
        context = click.Context(command, parent, info_name=name, max_content_width=100, terminal_width=100)
        yield f"## {context.command_path}\n\n```text\n{command.get_help(context).strip()}\n```"
        if isinstance(command, click.Group):
            yield from _sections(context, command.commands)


def outcome_table() -> str:
    """Outcomes and categories with their numbers."""
    outcomes = ", ".join(f"{outcome.value} `{outcome.word}`" for outcome in Outcome)
    categories = ", ".join(f"{category.value} `{category.word}`" for category in Category)
    return f"Outcomes: {outcomes}.\n\nCategories: {categories}."


def relocation_models() -> str:
    """Every model that an export may hold."""
    from tests.support.modelreference import relocation_models  # needs Django's models

    return relocation_models()


def finding_tables() -> str:
    """Every kind of finding."""
    from vedette.relocation.meanings import GROUPS  # light, and only this page needs it

    return "\n\n".join(
        "\n".join(
            [f"## {title}", "", "| Kind | What it means | What to do |", "| --- | --- | --- |"]
            + [f"| `{kind}` | {_cell(meaning.means)} | {_cell(meaning.to_do)} |" for kind, meaning in group.items()]
        )
        for title, group in GROUPS.items()
    )


def kept_fields() -> str:
    """Every text that sanitising leaves as it is."""
    from vedette.relocation.sanitizing.safe import REASONS  # as above

    lines = ["| Field | Why it may stay |", "| --- | --- |"]
    return "\n".join(lines + [f"| `{model}.{name}` | {_cell(why)} |" for (model, name), why in sorted(REASONS.items())])


PARTS = {
    "docs/reference/settings.md": settings_table,
    "docs/reference/commands.md": commands,
    "docs/reference/outcomes.md": outcome_table,
    "docs/reference/relocation-models.md": relocation_models,
    "docs/reference/findings.md": finding_tables,
    "docs/reference/sanitized-exports.md": kept_fields,
}


def written(path: str) -> str:
    """A reference page with its generated part as it should be."""
    text = (ROOT / path).read_text()
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} has lost its marks")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{PARTS[path]()}\n\n{END}", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    django.setup()
    for page in PARTS:
        (ROOT / page).write_text(written(page))
