"""The one place that reads the time. Always aware and UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
