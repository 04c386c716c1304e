"""What went wrong in a class: known mistakes by how often, unknown ones by equal outputs, the ungraded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.classroom.statistics import Record


@dataclass
class Told:
    """A mistake of the catalogue and who made it. accepted: a convention that counts as right."""

    notebook: str
    check: str
    id: str
    says: str
    students: list[str]
    accepted: bool


@dataclass
class Cluster:
    """Students whose unexplained failures have equal outputs in all of `probes`.

    messages: what they were told, each once."""

    notebook: str
    check: str
    probes: list[str]
    students: list[str]
    messages: list[str]


@dataclass
class Trouble:
    """A submission that could not be graded, or not in full; why: sentences."""

    student: str
    rejected: bool
    why: list[str]


def mistakes(records: Iterable[Record]) -> list[Told]:
    """Every recognized mistake, the most frequent first."""
    found: dict[tuple[str, str, str], Told] = {}
    for record in records:
        for check in record["checks"]:
            for id, says in check["says"].items():
                told = found.setdefault(
                    (check["notebook"], check["name"], id),
                    Told(check["notebook"], check["name"], id, says, [], accepted=True),
                )
                told.students.append(record["student"])
                told.accepted &= all(p["passed"] for p in check["probes"] if p["mistake"] == id)
    return sorted(found.values(), key=lambda t: -len(t.students))


def clusters(records: Iterable[Record]) -> list[Cluster]:
    """Failures that no known mistake explains, by equal outputs; the largest first.

    Probes of one exercise that put the same students together are one cluster."""
    alike: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    messages: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for record in records:
        for check in record["checks"]:
            for probe in check["probes"]:
                if "digest" in probe:
                    place = (check["notebook"], check["name"], probe["name"])
                    alike[(*place, probe["digest"])].append(record["student"])
                    messages[(*place[:2], record["student"])][probe["message"]] = None
    joined: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (notebook, check, name, _), students in alike.items():
        joined[notebook, check, tuple(students)].append(name)
    found = [
        Cluster(notebook, check, probes, list(students), _all_of(messages, notebook, check, students))
        for (notebook, check, students), probes in joined.items()
    ]
    return sorted(found, key=lambda c: -len(c.students))


def _all_of(
    messages: dict[tuple[str, str, str], dict[str, None]], notebook: str, check: str, students: Sequence[str]
) -> list[str]:
    return list(dict.fromkeys(m for s in students for m in messages[notebook, check, s] if m))


def troubles(records: Iterable[Record]) -> list[Trouble]:
    """What could not be graded and why, what was repaired, and what an instructor should look at."""
    found = []
    for record in records:
        why = [record["reason"]] if record["reason"] else []
        why += [f"{name}: {note}" for name, notes in record["notes"].items() for note in notes]
        why += [
            f"{check['name']}: {probe['message']}"
            for check in record["checks"]
            for probe in check["probes"][:1]
            if probe["status"] == "stopped"
        ]
        why += [f"To look at: {flag}." for flags in record["flags"].values() for flag in flags]
        if why or record["status"] == "rejected":
            found.append(Trouble(record["student"], record["status"] == "rejected", why))
    return sorted(found, key=lambda t: (not t.rejected, t.student))
