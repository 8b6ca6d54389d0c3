"""What happens, counted in memory: cheap enough for every request, written down by housekeeping.

Prometheus's kinds and words: a series is a name with labels. Labels come from the code alone, so
that there are a few hundred series however busy it is; nobody's name, id or words are among them.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

REQUESTS, SECONDS = "mado_requests_total", "mado_request_seconds"
EVENTS, INTAKE = "mado_events_total", "mado_intake_events_total"
RULE_RUNS, MAILS, CALLS = "mado_rule_runs_total", "mado_mails_total", "mado_webhook_calls_total"
SOCKETS = "mado_open_sockets"
#: LINE waits for 2 s; pages shall come within 0.2.
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.2", "0.5", "1", "2")

_counts: Counter[str] = Counter()
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
    total, sum_, buckets = _of_group(group)
    with _lock:
        _counts[series(REQUESTS, group=group, status=status)] += 1
        _counts[total] += 1
        _counts[sum_] += seconds  # type: ignore[assignment]
        for longest, bucket in buckets:
            _counts[bucket] += seconds <= longest


def take() -> Mapping[str, float]:
    """What was counted since this was asked last."""
    global _counts
    with _lock:
        taken, _counts = _counts, Counter()
    return taken


def give_back(taken: Mapping[str, float]) -> None:
    """What could not be written down waits for the next time."""
    with _lock:
        _counts.update(taken)  # type: ignore[arg-type]


@cache
def _of_group(group: str) -> tuple[str, str, tuple[tuple[float, str], ...]]:
    buckets = tuple((float(le), series(f"{SECONDS}_bucket", group=group, le=le)) for le in BUCKETS)
    return series(f"{SECONDS}_count", group=group), series(f"{SECONDS}_sum", group=group), buckets
