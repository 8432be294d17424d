"""How many environments and releases telemetry may make in a project: names that are ids would fill the tables.

Beyond the bound nothing is lost: an event of a new environment is related to "none given", one of a new version to no
release, and both keep what they said as tags in the event store. What people and pipelines make is not bounded here.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Count, Model

MAX_ENVIRONMENTS = 1000
MAX_RELEASES = 50_000
MAX_DISTRIBUTIONS = 1000  # of one release

Name = tuple[int, str]  # organization, name


def admitted(links: type[Model], wanted: Iterable[tuple[int, Name]], most: int) -> set[Name]:
    """Which of the new names there is room for, given the projects that want them as (project, name).

    `links` are the rows of (project, what is named). One query. Nodes that race may each let a batch in.
    """
    by_project: dict[int, set[Name]] = defaultdict(set)
    for project_id, name in wanted:
        by_project[project_id].add(name)
    if not by_project:
        return set()
    rows = links._default_manager.filter(project_id__in=by_project).order_by()
    present = dict(rows.values_list("project_id").annotate(number=Count("pk")))
    found: set[Name] = set()
    for project_id, names in sorted(by_project.items()):
        room = most - present.get(project_id, 0)
        if len(names) <= room:
            found |= names
        elif room > 0:
            found.update(sorted(names)[:room])
    return found
