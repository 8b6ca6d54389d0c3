"""Mado itself, on SQLite by its own command and on PostgreSQL under gunicorn."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import quote

from bench import databases, load, servers
from bench.peers import history, stock, views
from bench.peers.stock import Stock
from bench.peers.views import Asked, View
from bench.servers import Server

ON_SQLITE, ON_POSTGRESQL = "mado_sqlite", "mado_postgresql"
LONG = 50
_ROW = re.compile(r'<tr id="case-(\d+)".*?<span class="subject" dir="auto">(.*?)</span>', re.DOTALL)


def fill(stocked: Stock, whose: str) -> dict[str, Any]:
    """What bench.seed makes up; the last case is a long one."""
    if whose == ON_POSTGRESQL:
        stock.made_anew(stocked.database(whose))
    with _environment(stocked, whose) as env:
        said = servers.seed(env, stocked.cases - 1, active=0, long=(LONG,))
    if whose == ON_POSTGRESQL:
        databases.tidy(stocked.database(whose))
    else:
        history.write(stocked.folder / whose / "mado.sqlite3", stocked.folder / history.FILE)
    return said


@contextmanager
def serving(stocked: Stock, whose: str) -> Iterator[Server]:
    on_postgresql = whose == ON_POSTGRESQL
    command = (*servers.GUNICORN, "wsgi:app") if on_postgresql else servers.EMBEDDED
    with _environment(stocked, whose) as env, servers.running(command, env) as server:
        server.database_url = env.get("DATABASE_URL")
        yield server


def _environment(stocked: Stock, whose: str) -> AbstractContextManager[dict[str, str]]:
    folder = stocked.folder / whose
    folder.mkdir(exist_ok=True)
    database = stocked.database(whose).render_as_string(hide_password=False)
    return servers.environment(
        {"DATA_DIR": str(folder)}, database if whose == ON_POSTGRESQL else None
    )


def pages(server: Server, asked: Asked, cookie: str) -> dict[str, View]:
    def view(path, shown):
        return View((load.get(server.port, path, cookie=cookie),), shown)

    return {
        "list": view("/cases", _cases),
        "order": view(f"/search?q={quote(asked.order)}", _cases),
        "word": view(f"/search?q={quote(asked.word)}", _cases),
        "case": view(f"/cases/{asked.case}", views.whole),
        "long": view(f"/cases/{asked.long}", views.whole),
    }


def _cases(page: bytes) -> dict[int, str]:
    return {int(number): subject for number, subject in _ROW.findall(page.decode())}
