"""django-helpdesk on PostgreSQL, under gunicorn with as many threads as Mado has."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from bench import databases, load, servers
from bench.peers import history, signing_in, stock, views
from bench.peers.signing_in import PASSWORD
from bench.peers.stock import Stock
from bench.peers.views import PAGE, Asked, View
from bench.servers import Server

NAME = "django_helpdesk"
SITE = stock.SITES / NAME
NEWEST_FIRST = {"sort": "created", "sortreverse": "on"}
_TABLE = re.compile(rb'"url": "(/datatables_ticket_list/[^"]+)"')


def fill(stocked: Stock) -> dict[str, Any]:
    stock.made_anew(stocked.database(NAME))
    with _environment(stocked) as env:
        python = stock.environment(SITE)
        command = [python, "fill.py", stocked.folder / history.FILE, PASSWORD]
        subprocess.run(command, cwd=SITE, env=env, check=True)
    databases.tidy(stocked.database(NAME))
    return {}


@contextmanager
def serving(stocked: Stock) -> Iterator[Server]:
    python = stock.environment(SITE)
    with _environment(stocked) as env:
        command = servers.plain_gunicorn(env, "django.core.wsgi:get_wsgi_application()")
        with servers.running(command, env, python=python, folder=SITE) as server:
            url = stocked.database(NAME)
            server.database_url = url.render_as_string(hide_password=False)
            yield server


@contextmanager
def _environment(stocked: Stock) -> Iterator[dict[str, str]]:
    url = stocked.database(NAME)
    database = {
        "DATABASE_NAME": url.database,
        "DATABASE_HOST": url.host,
        "DATABASE_PORT": str(url.port or 5432),
        "DATABASE_USER": url.username,
        "DATABASE_PASSWORD": url.password or "",
    }
    with servers.environment(database | {"DJANGO_SETTINGS_MODULE": "settings"}, None) as env:
        yield env | {"PYTHONDONTWRITEBYTECODE": "1"}


def sign_in(server: Server) -> str:
    return signing_in.cookie(server.port, "/login/", "/login/", username="alice", password=PASSWORD)


def pages(server: Server, asked: Asked, cookie: str) -> dict[str, View]:
    def table(**query: str) -> View:
        path = f"/tickets/?{urlencode(NEWEST_FIRST | query)}"
        page = load.get(server.port, path, cookie=cookie)
        return View((page, _table_of(server, page, cookie)), _tickets)

    def opened(number: int) -> View:
        page = load.get(server.port, f"/tickets/{number}/", cookie=cookie)
        return View((page,), views.whole)

    return {
        "list": table(),
        "order": table(q=asked.order),
        "word": table(q=asked.word),
        "case": opened(asked.case),
        "long": opened(asked.long),
    }


def _table_of(server: Server, page: bytes, cookie: str) -> bytes:
    """What the page's script fetches then, to show its first page of tickets."""
    path = _TABLE.search(load.run(server.port, [page], connections=1).body)
    if not path:
        raise load.UnexpectedAnswer("the page of tickets has no table")
    query = urlencode({"draw": 1, "start": 0, "length": PAGE})
    return load.get(server.port, f"{path[1].decode()}?{query}", cookie=cookie)


def _tickets(answer: bytes) -> dict[int, str]:
    return {row["id"]: row["title"] for row in json.loads(answer)["data"]}
