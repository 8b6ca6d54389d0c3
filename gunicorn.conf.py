"""How gunicorn serves Mado; `python wsgi.py` starts it with this file too.

HOST, PORT, WEB_CONCURRENCY (worker processes, 1 by default, more only with PostgreSQL), LOG_LEVEL
and LOG_FORMAT come from the environment. TLS, and limits on slow clients, belong to a proxy in
front. Headers like X-Forwarded-For are the application's to judge (TRUSTED_PROXIES).
"""

import os
import resource
import sys
from pathlib import Path

MAX_OPEN_FILES = 65536

_host = os.environ.get("HOST") or "127.0.0.1"
_port = os.environ.get("PORT") or "8000"


def _raised_open_files() -> int:
    """Every open page is a file descriptor, and the usual limit of 1024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


chdir = str(Path(__file__).resolve().parent)
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
worker_class = "app.worker.Worker"
threads = 16
worker_connections = _raised_open_files() // 4
keepalive = 5
# Replies under way may take 13 seconds, and requests are answered after them; the units give it 30.
graceful_timeout = 25
control_socket_disable = True
forwarded_allow_ips = ""
secure_scheme_headers = {}
logger_class = "app.server_logs.ServerLogs"
loglevel = (os.environ.get("LOG_LEVEL") or "info").lower()


def on_starting(server):
    """SQLite has one writer, and the live hub and the scheduler live in that process."""
    url = os.environ.get("DATABASE_URL") or "sqlite://"
    if url.startswith("sqlite") and server.cfg.workers > 1:
        sys.exit(
            f"Mado can't run {server.cfg.workers} workers on SQLite: "
            "set WEB_CONCURRENCY=1, or DATABASE_URL to a PostgreSQL database."
        )


def post_worker_init(worker):
    """With `python wsgi.py` (MADO_EMBEDDED) the application starts its scheduler here."""
    worker.call("start_in_worker")


def worker_exit(server, worker):
    """Also after a quick stop (Ctrl-C), which skips the worker's own drain."""
    from app.worker import stop_websockets

    worker.call("stop_in_worker")
    stop_websockets()
