"""How a check's report is printed: for people, and as annotations of a pull request."""

from collections.abc import Sequence

from trueup.cli.screen import plain, raw, say
from trueup.offline.report import Problem, Report, Unverified

SHOWN = 20
"""Lines of what is not verified, and names of applications in one line; ``-o json`` has them all."""
_NAMES = 3


def print_text(report: Report) -> None:
    """Problems, warnings, what is not verified, and a line that sums up."""
    for problem in report.problems:
        say(_place(problem), fg="red")
        _say(problem)
    for warning in report.warnings:
        say(f"warning: {_place(warning)}".rstrip(": "), fg="yellow")
        _say(warning)
    _say_unverified(report.unverified)
    say(summary(report))


def print_annotations(report: Report) -> None:
    """GitHub's workflow commands: each fault beside its line, the sum at the end."""
    for level, problems in (("error", report.problems), ("warning", report.warnings)):
        for problem in problems:
            path, _, line = problem.file.rpartition(":")
            if not path or not line.isdecimal():
                path, line = problem.file, ""
            title = "  ".join(part for part in (problem.object, problem.field) if part)
            facts = {"file": path, "line": line, "title": title or problem.application}
            properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in facts.items() if value)
            lines = [problem.message]
            if problem.hint:
                lines.append(f"hint: {problem.hint}")
            if problem.application:
                lines.append(f"in {_applications(problem)}")
            text = "\n".join(lines)
            raw(f"::{level} {properties}::{_escaped(text)}")
    raw(f"::notice::{_escaped(summary(report))}")


def summary(report: Report) -> str:
    """How much was looked at, and how many problems there are."""
    applications = _count(len(report.applications), "application")
    objects = _count(report.objects, "object")
    return f"{applications}, {objects}: {_count(len(report.problems), 'problem')}"


def _place(problem: Problem) -> str:
    return "  ".join(part for part in (problem.file, problem.object, problem.field) if part) or problem.application


def _say(problem: Problem) -> None:
    say(f"  {problem.message}", further="    ")
    if problem.hint:
        say(f"  hint: {problem.hint}", further="    ")
    if problem.others:
        say(f"  in {_applications(problem)}")


def _applications(problem: Problem) -> str:
    names = [problem.application, *problem.others]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _say_unverified(unverified: Sequence[Unverified]) -> None:
    """Of one reason one line, if it is the same thing: what many applications have in common is told once."""
    applications: dict[tuple[str, str], list[str]] = {}
    for item in unverified:
        applications.setdefault((item.what, item.why), []).append(item.application)
    if applications:
        say("not verified:")
    for (what, why), names in list(applications.items())[:SHOWN]:
        name = names[0] if len(names) == 1 else f"{len(names)} applications"
        say(f"  {': '.join(part for part in (name, what, why) if part)}")
    if len(applications) > SHOWN:
        say(f"  and {len(applications) - SHOWN} more (-o json lists all)")


def _escaped(text: str, also: str = "") -> str:
    """A text within a workflow command, as GitHub reads it."""
    text = plain(text, keep="\n")
    for letter in ("%", "\r", "\n", *also):
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
