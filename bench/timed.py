"""A look of 20 time-based rules over a seeded database, timed in this process and told as JSON.

`python -m bench.timed 200`: so many cases fit, as many for each rule. First all that is due already,
as when an admin asks for it; then a look a minute later, when nothing new is due.
"""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from app import background, clock, create_app, transaction
from app.domain import labels
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Case, Label, Rule, RuleRun, case_labels

RULES = 20
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def _prepare(fitting: int) -> None:
    """Each rule has a label that its share of the cases carries, spread over all of them."""
    cases = db.session.scalar(select(func.count()).select_from(Case).where(Case.chat_state == "ended"))
    step = cases // fitting
    for number in range(RULES):
        label = labels.create(f"bench {number}", by=None)
        carriers = range(number * step + 1, cases + 1, RULES * step)
        db.session.execute(
            case_labels.insert(), [{"case_id": one, "label_id": label.id} for one in carriers]
        )
        book.add(definitions.read(_rule(number, label)), by=None)
    db.session.execute(update(Rule).values(applies_from=LONG_AGO))


def _rule(number: int, label: Label) -> dict[str, Any]:
    conditions = [
        {"condition": "minutes_since_created", "operator": "at_least", "value": 30 + number},
        {"condition": "labels", "operator": "contain_any", "value": [label.id]},
    ]
    return {
        "type": "existing_case",
        "name": f"Bench {number}",
        "blocks": [{"match": "all", "conditions": conditions}],
        "actions": [{"action": "set_priority", "value": "high"}],
    }


def _look() -> dict[str, float]:
    before, began, ran = time.process_time(), time.perf_counter(), _ran()
    background.run_timers()
    used, took = time.process_time() - before, time.perf_counter() - began
    return {"seconds": took, "cpu": used, "acted": _ran() - ran}


def _ran() -> int:
    return db.session.scalar(select(func.count()).select_from(RuleRun)) or 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fitting", type=int)
    fitting = parser.parse_args().fitting
    with create_app().app_context():
        with transaction.writing():
            _prepare(fitting)
        first = _look()
        with clock.telling_of(datetime.now(UTC) + timedelta(minutes=1)):
            print(json.dumps({"first": first, "later": _look()}))


if __name__ == "__main__":
    main()
