"""What was acknowledged is stored and shown once, whatever is killed meanwhile (F1 to F6, F10, F12)."""

from pathlib import Path

from linesim.serving import Running
from tests.faults import trial
from tests.processes.servers import Mado


def test_one_process_loses_and_doubles_nothing_when_killed(
    embedded: Mado, line: Running, tmp_path: Path
):
    """G1, G2 on SQLite."""
    with (tmp_path / "log").open("wb") as embedded.log:
        outcome = trial.run(embedded, line, trial.EMBEDDED, trial.Plan())

    assert outcome.wrong() == {}
    assert trial.integrity(tmp_path / "mado.sqlite3") == "ok"


def test_several_processes_lose_and_double_nothing_when_killed(
    production: Mado, line: Running, tmp_path: Path
):
    """G1, G2 on PostgreSQL, with two web processes and two schedulers (F24)."""
    production.env["WEB_CONCURRENCY"] = "2"
    with (tmp_path / "log").open("wb") as production.log:
        outcome = trial.run(production, line, trial.SEVERAL, trial.Plan(events=600))

    assert outcome.wrong() == {}
