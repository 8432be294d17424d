"""The configurations of grouping: each is a version of all the rules that nobody can edit.

A project has one. Whoever upgrades it keeps the one before as the secondary for a while, so that no issue is split.

Source: the grouping specification, section 9; the differences between the two are those marked [26] in it.
"""

from dataclasses import dataclass

from vedette.grouping.messages import MESSAGES_2023, MESSAGES_2026, Messages


@dataclass(frozen=True, slots=True, eq=False)
class Config:
    """What a configuration decides. `about` says to people what it does differently from the one before."""

    id: str
    about: str
    messages: Messages
    parameterises_variables: bool  # `{{ message }}` and `{{ value }}` go through `messages`, unknown ones say so (2.3)
    revives_foreign_frames: bool  # +group lets a frame that is not in-app count in the app variant (5.6)
    ignores_single_url: bool  # a single javascript frame without a function is ignored at a URL, or elsewhere (7.1)
    parameterises_spawns: bool  # (6.7)


NEWSTYLE_2023 = Config(
    id="newstyle:2023-01-11",
    about="The configuration of Sentry from 2023 to 2025, for projects that moved here.",
    messages=MESSAGES_2023,
    parameterises_variables=False,
    revives_foreign_frames=True,
    ignores_single_url=True,
    parameterises_spawns=False,
)
NEWSTYLE_2026 = Config(
    id="newstyle:2026-01-20",
    about=(
        "Host names, short commit ids, trace ids and long numbers in messages no longer make issues of their own; "
        "user-12 and user-13 belong together; variables of fingerprints are treated like messages."
    ),
    messages=MESSAGES_2026,
    parameterises_variables=True,
    revives_foreign_frames=False,
    ignores_single_url=False,
    parameterises_spawns=True,
)
CONFIGS = {config.id: config for config in (NEWSTYLE_2023, NEWSTYLE_2026)}
"""All that there are, oldest first."""
FIRST = NEWSTYLE_2026
"""What a project has that names none. It never changes: projects that are made later name theirs."""
NEWEST = NEWSTYLE_2026


def config_named(name: str) -> Config:
    """The configuration with this id; the first for one that nobody knows."""
    return CONFIGS.get(name, FIRST)
