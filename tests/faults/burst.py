"""A burst (F22): events come at a rate, however long their answers take, while agents work.

It is a trial in which nothing is killed: agents answer, one opens pages, a page follows by its socket,
and the same three sets are compared at the end. Every event goes out once, and again only where it was
not answered with 2xx within LINE's two seconds: no copy hides a loss.
"""

from collections.abc import Iterator

from bench.table import Row, share
from tests.faults.trial import Outcome, Plan

EVENTS, RATE = 10_000, 1000
# So many calls may be under way: who waits for an answer keeps nobody else from calling.
CONNECTIONS = 100
ANSWERED_SECONDS, OPENED_SECONDS, DRAINED_SECONDS = 2.0, 1.0, 60.0


def plan(*, events: int = EVENTS, seed: int = 1, seconds: float = 240.0) -> Plan:
    """`seconds` is what each part of it may take."""
    return Plan(
        events=events, copies=1, kills=0, others=0, answers=events // 50, faults=0, seed=seed, seconds=seconds,
        connections=CONNECTIONS, rate=RATE, browses=True,
    )  # fmt: skip


def rows(outcome: Outcome) -> Iterator[Row]:
    """How it was for LINE and for agents."""
    sender, browsing = outcome.sender, outcome.browsing
    told = ", ".join(f"{what}: {n:,}" for what, n in sorted(sender.answers.items(), key=str))
    not_taken = sender.answers.total() - sender.answers[200]
    yield Row("calls without a 200 within two seconds", not_taken, "", most=0, note=told)
    yield Row("slowest answer to a webhook call", sender.slowest, "s", most=ANSWERED_SECONDS)
    rate = outcome.plan.events / sender.took
    yield Row("from the first call to the last acknowledgement", sender.took, "s", rate=rate)
    yield Row("a page opened meanwhile, p50", share(browsing.seconds, 0.5), "s")
    note = f"{len(browsing.seconds)} pages"
    yield Row("the same, p95", share(browsing.seconds, 0.95), "s", most=OPENED_SECONDS, note=note)
    yield Row(
        "from the last event to nothing left to do", outcome.drain_seconds, "s", most=DRAINED_SECONDS
    )
