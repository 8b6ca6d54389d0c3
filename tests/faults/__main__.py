"""`python -m tests.faults`: a trial of any size and a burst on each database, and tables of what came of it.

On PostgreSQL with a cluster and a Redis of our own, which are killed too. Exits with 1 when anything
that must be zero is not.
"""

import argparse
import itertools
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import table
from bench.table import Row
from linesim import create_app
from linesim.serving import Running
from tests.conftest import SECRET
from tests.faults import burst, trial
from tests.faults.killer import Killer
from tests.faults.sender import COPIES, LATE_SECONDS, UNANSWERED, Late
from tests.faults.services import own_services
from tests.processes.conftest import LINE_SECRET, LINE_TOKEN
from tests.processes.servers import Mado

DATABASES = ("sqlite", "postgresql")
# On PostgreSQL as many as there are kinds, each once.
OTHERS = 6


def main() -> None:
    asked = _options()
    killing = trial.Plan(
        events=asked.events,
        copies=asked.copies,
        kills=asked.kills,
        others=asked.others,
        answers=asked.answers or asked.events // 20,
        faults=asked.faults or asked.events // 200,
        seed=asked.seed,
        seconds=asked.minutes * 60.0,
        hurries=False,
    )
    bursting = burst.plan(events=asked.burst, seed=asked.seed, seconds=asked.minutes * 60.0)
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)  # each connection that LINE cuts
    missed, told = 0, []
    plans = [plan for plan in (killing, bursting) if plan.events]
    for database, plan in itertools.product(asked.databases or DATABASES, plans):
        with tempfile.TemporaryDirectory(prefix="mado-faults-") as folder:
            Path(folder).chmod(0o755)
            outcome = (on_sqlite if database == "sqlite" else on_postgresql)(Path(folder), plan)
        title = f"{database}, {_told_plan(plan)}"
        told.append("\n".join(table.lines(title, rows(outcome))))
        print(told[-1], flush=True)
        missed += sum(outcome.counts().values())
        print(*outcome.page.troubles, sep="\n", file=sys.stderr)
    if asked.keep:
        table.keep(asked.keep, "\n\n".join(told))
    sys.exit(1 if missed else 0)


def on_sqlite(folder: Path, plan: trial.Plan) -> trial.Outcome:
    line = Running(create_app(token=LINE_TOKEN, secret=LINE_SECRET))
    mado = Mado({"DATA_DIR": str(folder), "LINE_API_URL": line.url})
    outcome = _tried(mado, line, folder, trial.EMBEDDED, plan)
    if (said := trial.integrity(folder / "mado.sqlite3")) != "ok":
        sys.exit(f"PRAGMA integrity_check says: {said}")
    return outcome


def on_postgresql(folder: Path, plan: trial.Plan) -> trial.Outcome:
    line = Running(create_app(token=LINE_TOKEN, secret=LINE_SECRET))
    with own_services(folder / "postgresql") as (postgresql, redis):
        mado = Mado(
            {
                "DATA_DIR": str(folder),
                "DATABASE_URL": postgresql.url,
                "REDIS_URL": redis.url,
                "SECRET_KEY": SECRET,
                "LINE_API_URL": line.url,
                "WEB_CONCURRENCY": "2",
            }
        )
        more = {
            "PostgreSQL": postgresql.crash,
            "PostgreSQL's connections": postgresql.cut,
            "Redis": redis.crash,
            "Redis asleep": redis.nap,
        }
        return _tried(mado, line, folder, trial.SEVERAL, plan, **more)


def _tried(
    mado: Mado,
    line: Running,
    folder: Path,
    commands: dict[str, tuple[str, ...]],
    plan: trial.Plan,
    **more: trial.Strike,
) -> trial.Outcome:
    try:
        mado.must(["db", "upgrade"])
        with (folder / "log").open("wb") as mado.log:
            return trial.run(mado, line, commands, plan, **more)
    finally:
        mado.stop()
        line.stop()


def rows(outcome: trial.Outcome) -> Iterator[Row]:
    """What must be zero, and what else was seen."""
    for what, count in outcome.counts().items():
        yield Row(what, count, "", most=0)
    yield from (burst.rows if outcome.plan.browses else _of_strikes)(outcome)
    yield Row("all of it", outcome.seconds, "s", rate=outcome.plan.events / outcome.seconds)


def _of_strikes(outcome: trial.Outcome) -> Iterator[Row]:
    sender, killer, page = outcome.sender, outcome.killer, outcome.page
    told = ", ".join(f"{name} {count}" for name, count in sorted(killer.struck.items()))
    yield Row("strikes", killer.struck.total(), "", note=told)
    yield Row("of them SIGKILL over web and schedulers", killer.killed, "", least=outcome.plan.kills)
    slowest = killer.slowest
    yield Row("longest time without being ready", slowest.seconds, "s", most=10, note=slowest.name)
    yield Row("webhook calls", sender.answers.total(), "", note=_told(sender.answers))
    yield Row("slowest answer to a webhook call", sender.slowest, "s", most=1.8)
    yield from unanswered(sender.late, killer)
    late = [f"{call.answer} after {killer.last_before(call.began)}" for call in sender.late]
    yield Row(f"webhook calls that took more than {LATE_SECONDS:g} s", len(late), "", note=_told(Counter(late)))
    yield Row("sockets that the page opened", page.sockets, "")
    yield Row("answers", len(outcome.states), "", note=_told(outcome.answers.answers))
    for state in ("sent", "unconfirmed", "failed"):
        yield Row(f"answers {state}", list(outcome.states.values()).count(state), "")
    yield Row("from the last event to nothing left to do", outcome.drain_seconds, "s", most=60)


def unanswered(late: list[Late], killer: Killer) -> Iterator[Row]:
    """Calls that waited in vain, apart from those that met a Mado which a strike had just hit."""
    after: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for call in late:
        if call.answer == UNANSWERED:
            was_ready = killer.was_ready(call.began, call.ended)
            after[was_ready][f"after {killer.last_before(call.began)}"] += 1
    name = "webhook calls without an answer within two seconds"
    yield Row(name, after[True].total(), "", most=0, note=_told(after[True]))
    yield Row("the same, from a strike to ready", after[False].total(), "", note=_told(after[False]))


def _told_plan(plan: trial.Plan) -> str:
    if plan.browses:
        return f"a burst of {plan.events:,} events, {plan.rate:,} a second"
    events = f"{plan.events:,} events, each {plan.copies} times"
    return f"{events}, {plan.kills} kills, {plan.others} other strikes, {plan.faults} faults of LINE, seed {plan.seed}"


def _told(answers: Mapping[int | str, int]) -> str:
    return ", ".join(f"{what}: {count:,}" for what, count in sorted(answers.items(), key=str))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Kill and count.")
    parser.add_argument("databases", nargs="*", choices=[[], *DATABASES], help="both by default")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument(
        "--burst", type=int, default=burst.EVENTS, help=f"events that come {burst.RATE:,} a second"
    )
    parser.add_argument("--copies", type=int, default=COPIES, help="of each event")
    parser.add_argument("--kills", type=int, default=10, help="with SIGKILL, of web and schedulers")
    parser.add_argument(
        "--others", type=int, default=OTHERS, help="strikes of other kinds, in addition"
    )
    parser.add_argument("--answers", type=int, help="one for 20 events by default")
    parser.add_argument("--faults", type=int, help="of LINE; one for 10 answers by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=60, help="what a database's trial may take"
    )
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the table into a document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
