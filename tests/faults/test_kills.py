"""What was acknowledged is stored and shown once, whatever is killed meanwhile (F1 to F6, F10, F12)."""

from pathlib import Path

from linesim.serving import Running
from tests.faults import trial
from tests.faults.killer import Installation
from tests.processes.servers import Mado

ALL_SECONDS, READY_SECONDS = 60.0, 5.0  # G1, G4
# Within what Mado is ready on the machines that these goals are for, while nobody else uses them.
START_SECONDS, SEVERAL_START_SECONDS = 1.0, 2.0


def slowness(mado: Mado, commands: dict[str, tuple[str, ...]], *starts: float, usual: float) -> float:
    """How many times as long as usual a start takes here by itself, now or when it was first started; at least 1."""
    now = trial.started(Installation(mado, commands))
    return max(1.0, *(seconds / usual for seconds in (now, *starts)))


def test_one_process_loses_and_doubles_nothing_when_killed(
    embedded: Mado, line: Running, tmp_path: Path
):
    """G1, G2, G4 on SQLite."""
    with (tmp_path / "log").open("wb") as embedded.log:
        outcome = trial.run(embedded, line, trial.EMBEDDED, trial.Plan())
        slow = slowness(embedded, trial.EMBEDDED, outcome.start_seconds, usual=START_SECONDS)

    assert outcome.wrong() == {}
    assert trial.integrity(tmp_path / "mado.sqlite3") == "ok"
    assert outcome.killer.killed == outcome.plan.kills
    assert outcome.killer.slowest_kill.seconds <= READY_SECONDS * slow
    assert outcome.seconds <= ALL_SECONDS * slow


def test_several_processes_lose_and_double_nothing_when_killed(
    production: Mado, line: Running, tmp_path: Path
):
    """G1, G2, G4 on PostgreSQL, with two web processes and two schedulers (F24)."""
    production.env["WEB_CONCURRENCY"] = "2"
    with (tmp_path / "log").open("wb") as production.log:
        outcome = trial.run(production, line, trial.SEVERAL, trial.Plan(events=600))
        starts = outcome.start_seconds
        slow = slowness(production, trial.SEVERAL, starts, usual=SEVERAL_START_SECONDS)

    assert outcome.wrong() == {}
    assert outcome.killer.killed == outcome.plan.kills
    assert outcome.killer.slowest_kill.seconds <= READY_SECONDS * slow
