"""What happens, counted in memory: cheap enough for every request, written down by housekeeping.

Prometheus's kinds and words: a series is a name with labels. Labels come from the code alone, so
that there are a few hundred series however busy it is; nobody's name, id or words are among them.
"""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import accumulate

REQUESTS, SECONDS = "mado_requests_total", "mado_request_seconds"
EVENTS, INTAKE = "mado_events_total", "mado_intake_events_total"
RULE_RUNS, MAILS, CALLS = "mado_rule_runs_total", "mado_mails_total", "mado_webhook_calls_total"
SOCKETS = "mado_open_sockets"
#: LINE waits for 2 s; pages shall come within 0.2.
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.2", "0.5", "1", "2")

_BOUNDS = tuple(map(float, BUCKETS))
# Of one group and status: how many in each bucket alone, how many took longer, seconds of them all.
_SUM = len(BUCKETS) + 1


def _no_durations() -> list[float]:
    return [0] * (_SUM + 1)


_counts: Counter[str] = Counter()
_answers: defaultdict[tuple[str, str], list[float]] = defaultdict(_no_durations)
_lock = threading.Lock()


@cache
def series(name: str, **labels: str) -> str:
    """A series as Prometheus writes it."""
    told = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{told}}}" if told else name


def count(some: Iterable[str]) -> None:
    """One more of each of these series."""
    with _lock:
        for one in some:
            _counts[one] += 1


def answered(group: str, status: str, seconds: float) -> None:
    """A request of this group of pages was answered, after so long."""
    with _lock:
        durations = _answers[group, status]
        durations[bisect_left(_BOUNDS, seconds)] += 1
        durations[_SUM] += seconds


def take() -> Mapping[str, float]:
    """What was counted since this was asked last."""
    global _counts, _answers
    with _lock:
        taken, _counts = _counts, Counter()
        answers, _answers = _answers, defaultdict(_no_durations)
    for (group, status), durations in answers.items():
        _add(taken, group, status, durations)
    return taken


def give_back(taken: Mapping[str, float]) -> None:
    """What could not be written down waits for the next time."""
    with _lock:
        _counts.update(taken)  # type: ignore[arg-type]


def _add(taken: Counter[str], group: str, status: str, durations: list[float]) -> None:
    """Prometheus's buckets hold all that took no longer, so each holds those before it."""
    up_to = list(accumulate(durations[:_SUM]))
    for longest, count_ in zip(BUCKETS, up_to, strict=False):
        taken[series(f"{SECONDS}_bucket", group=group, le=longest)] += count_  # type: ignore[assignment]
    taken[series(REQUESTS, group=group, status=status)] += up_to[-1]  # type: ignore[assignment]
    taken[series(f"{SECONDS}_count", group=group)] += up_to[-1]  # type: ignore[assignment]
    taken[series(f"{SECONDS}_sum", group=group)] += durations[_SUM]  # type: ignore[assignment]
