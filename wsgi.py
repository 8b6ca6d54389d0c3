"""Mado as a WSGI application (`wsgi:app`), and `python wsgi.py`: all of it in one process."""

import os
import sys
from pathlib import Path

#: Any other exit code of a worker makes gunicorn start another one, for ever.
WILL_NOT_BOOT = 3
ROOT = Path(__file__).resolve().parent

# The database holds what customers wrote: whoever else has an account on the machine, and whatever
# mode DATA_DIR has, what we and the commands make is for our own user alone.
os.umask(0o077)


def serve() -> None:
    """Become gunicorn with one worker, which also runs the scheduler.

    Before the application is imported: it would be loaded, thrown away and loaded again.
    """
    os.chdir(ROOT)
    os.environ["MADO_EMBEDDED"] = "1"
    # glibc gives threads heaps of their own, which only one at a time uses under Python's lock.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--workers", "1"]
    os.execv(sys.executable, [*gunicorn, "wsgi:app"])  # noqa: S606 - no shell on purpose


if __name__ == "__main__":
    serve()
else:
    from app import create_app, logs
    from app.config import ConfigError, from_environment

    try:
        config = from_environment()
        logs.set_up(config.log_format, config.log_level)
        app = create_app(config)
    except ConfigError as problem:
        print(f"Mado can't start. {problem}", file=sys.stderr)
        sys.exit(WILL_NOT_BOOT)
