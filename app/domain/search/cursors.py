"""A place in a list of cases ordered by last message, newest first; it can stand in a URL."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 253_402_300_799_000_000


@dataclass(frozen=True)
class Cursor:
    """The last case that was shown; the list goes on behind it."""

    last_message_at: datetime
    case_id: int

    def __str__(self) -> str:
        return f"{(self.last_message_at - EPOCH) // timedelta(microseconds=1)}-{self.case_id}"

    @classmethod
    def parse(cls, value: str) -> "Cursor":
        """Raise ValueError for what was not made by us."""
        micros, _, case_id = value.partition("-")
        if not (value.isascii() and micros.isdigit() and case_id.isdigit() and len(value) < 40):
            raise ValueError("not a cursor")
        if int(micros) > LATEST or int(case_id) >= 2**63:
            raise ValueError("not a cursor")
        return cls(EPOCH + timedelta(microseconds=int(micros)), int(case_id))
