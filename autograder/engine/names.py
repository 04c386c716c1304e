"""What the names in a student's notebook mean while a check is asked."""

from enum import StrEnum


class Names(StrEnum):
    """What they mean now; that, but what the release binds as it bound it; what they meant at the check."""

    AS_THEY_ARE = "as they are"
    AS_RELEASED = "as released"
    AT_CHECK = "at the check"
