"""The clock: every periodic job on one screen. It ticks and calls; it decides nothing.

Work due stands in the database. APScheduler only ticks: a late tick is run once, never dropped,
and never beside itself. Any number of `python scheduler.py` may run on PostgreSQL.
"""

import signal
import sys
import threading
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from app import background, transaction
from app.clock import now


class Ticker(BackgroundScheduler):
    """Ticks on after the clock stepped back; APScheduler would wait until it has caught up (F14)."""

    def _process_jobs(self) -> float | None:
        moment = now()
        for job in self.get_jobs():
            if job.next_run_time > moment + job.trigger.interval:
                job.modify(next_run_time=moment)
        return super()._process_jobs()


def start_scheduler(app: Flask) -> BackgroundScheduler:
    """Begin ticking in this process."""
    ticker = Ticker(
        timezone="UTC",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job, seconds in (
        (background.sweep, 5),
        (background.retry_kept_back, 10),
        (background.run_timers, 60),
        (background.empty_trash, 60),
        (background.tidy, 3600),
    ):
        ticker.add_job(_in_app(app, job), "interval", seconds=seconds, name=job.__name__)
    ticker.start()
    return ticker


def _in_app(app: Flask, job: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with app.app_context():
            try:
                job()
            finally:
                transaction.release()

    return run


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    from wsgi import app

    if app.extensions["mado"].is_sqlite:
        print(
            "With SQLite the scheduler runs inside `python wsgi.py`. Set DATABASE_URL to use"
            " PostgreSQL with schedulers of their own.",
            file=sys.stderr,
        )
        return 1
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    background.start_workers(app)
    ticker = start_scheduler(app)
    stop.wait()
    ticker.shutdown(wait=True)
    background.stop_workers(app)
    return 0


if __name__ == "__main__":
    sys.exit(main())
