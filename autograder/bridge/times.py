"""Times as they stand in timestamp.txt and in lists, in UTC."""

from __future__ import annotations

import re
from datetime import datetime

from nbgrader.utils import parse_utc

OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")


def utc(text: str) -> datetime | None:
    """The time without its zone, as nbgrader stores it; None where it is none. Without a zone it is UTC.

    nbgrader's own parse_utc takes an offset after a space, such as +0100, for a hundred seconds."""
    try:
        when = parse_utc(OFFSET.sub("", text.strip()))
    except (ValueError, OverflowError, TypeError):
        return None
    return when if isinstance(when, datetime) else None
