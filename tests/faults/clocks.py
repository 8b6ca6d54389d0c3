"""A clock that goes wrong, for processes that are started with it."""

from datetime import datetime, timedelta
from pathlib import Path

from app.clock import now
from tests.processes.servers import Mado

STEPPING = Path(__file__).parent / "stepping"


class Clock:
    """The clock of all processes that are started from now on, right at first."""

    def __init__(self, mado: Mado, file: Path) -> None:
        self._file = file
        self.step_to(timedelta())
        mado.env |= {"PYTHONPATH": str(STEPPING), "CLOCK_FILE": str(file)}

    def step_to(self, offset: timedelta) -> None:
        """Go wrong by that much."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{offset.total_seconds():.0f}")
        written.replace(self._file)
        self._offset = offset

    def now(self) -> datetime:
        return now() + self._offset
