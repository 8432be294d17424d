"""The bits that say what a project has ever sent."""

from collections.abc import Collection

from django.db.models import F

from vedette.projects.models import Project, ProjectFlags


def set_flag(projects: Collection[int], flag: ProjectFlags) -> None:
    """Written where it is not set yet, once in a project's life."""
    flagged = Project.objects.annotate(flagged=F("flags").bitand(int(flag))).filter(flagged=int(flag))
    without = set(projects) - set(flagged.filter(pk__in=projects).values_list("pk", flat=True))
    if without:
        Project.objects.filter(pk__in=without).update(flags=F("flags").bitor(int(flag)))
