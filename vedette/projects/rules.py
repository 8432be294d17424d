"""The grouping rules of a project as texts: what is wrong with one, and what a text was when an event was grouped.

Each text that was ever in force is kept under its id, so that a grouping can be explained after the rules have
changed; of the oldest only so many.
"""

from collections.abc import Callable

from vedette.grouping.enhancement_text import parse_rules
from vedette.grouping.fingerprint_rules import parse_fingerprint_rules
from vedette.grouping.rule_text import RuleSyntaxError, rules_id
from vedette.projects.models import Project, ProjectOption

HISTORY = "vedette:grouping_rules:"
MOST_KEPT = 200


def problem_with_enhancements(text: str) -> RuleSyntaxError | None:
    """The first mistake in a text of stack trace rules."""
    return _problem(parse_rules, text)


def problem_with_fingerprinting(text: str) -> RuleSyntaxError | None:
    """The first mistake in a text of fingerprint rules."""
    return _problem(parse_fingerprint_rules, text)


def _problem(parse: Callable[[str], object], text: str) -> RuleSyntaxError | None:
    try:
        parse(text)
    except RuleSyntaxError as error:
        return error
    return None


def complaints_about_enhancements(text: str) -> list[str]:
    """Why these are no stack trace rules: a sentence with line and column, or nothing."""
    return _sentences(problem_with_enhancements(text))


def complaints_about_fingerprinting(text: str) -> list[str]:
    """Why these are no fingerprint rules: a sentence with line and column, or nothing."""
    return _sentences(problem_with_fingerprinting(text))


def _sentences(problem: RuleSyntaxError | None) -> list[str]:
    return [] if problem is None else [f"L{str(problem)[1:]}."]


def remember_rules(project: Project, text: str) -> None:
    """Keep a text of rules that comes into force."""
    if not text.strip():
        return
    ProjectOption.objects.get_or_create(project=project, key=HISTORY + rules_id(text), defaults={"value": text})
    rows = ProjectOption.objects.filter(project=project, key__startswith=HISTORY).order_by("-pk")
    outdated = list(rows.values_list("pk", flat=True)[MOST_KEPT:])
    if outdated:
        ProjectOption.objects.filter(pk__in=outdated).delete()


def rules_named(project: Project, identifier: str, present: str) -> str | None:
    """The text with this id, which may well be the `present` one; None if it is not kept. No id is no rules."""
    if not identifier:
        return ""
    if rules_id(present) == identifier:
        return present
    rows = ProjectOption.objects.filter(project=project, key=HISTORY + identifier).values_list("value", flat=True)
    text = rows.first()
    return text if isinstance(text, str) else None
