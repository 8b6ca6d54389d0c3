"""Roundup on SQLite, by its own WSGI handler under gunicorn with as many threads as Mado has."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from bench import load, servers
from bench.peers import history, signing_in, stock, views
from bench.peers.signing_in import PASSWORD
from bench.peers.stock import Stock
from bench.peers.views import PAGE, Asked, View
from bench.servers import Server

NAME = "roundup"
SITE = stock.SITES / NAME
COLUMNS = "id,activity,title,creator,assignedto,status"
_ROW = re.compile(r'<a href="issue(\d+)">(.*?)</a>', re.DOTALL)


def fill(stocked: Stock) -> dict[str, Any]:
    home = stocked.folder / NAME
    shutil.rmtree(home, ignore_errors=True)
    command = [stock.environment(SITE), "fill.py", stocked.folder / history.FILE, home, PASSWORD]
    subprocess.run(command, cwd=SITE, check=True)
    return {}


@contextmanager
def serving(stocked: Stock) -> Iterator[Server]:
    python = stock.environment(SITE)
    tracker = {"TRACKER": str(stocked.folder / NAME), "PYTHONDONTWRITEBYTECODE": "1"}
    with servers.environment(tracker, None) as env:
        command = servers.plain_gunicorn(env, "wsgi:app")
        with servers.running(command, env, python=python, folder=SITE) as server:
            yield server


def sign_in(server: Server) -> str:
    fields = {"__login_name": "alice", "__login_password": PASSWORD}
    return signing_in.cookie(server.port, "/issue", "/", **fields)


def pages(server: Server, asked: Asked, cookie: str) -> dict[str, View]:
    def view(path, shown):
        return View((load.get(server.port, path, cookie=cookie),), shown)

    def index(**query: str) -> View:
        place = {"@columns": COLUMNS, "@sort": "-activity", "@pagesize": PAGE, "@startwith": 0}
        return view(
            f"/issue?{urlencode(place | {f'@{key}': said for key, said in query.items()})}", _issues
        )

    return {
        "list": index(),
        "order": index(search_text=f'"{asked.order}"'),
        "word": index(search_text=asked.word),
        "case": view(f"/issue{asked.case}", views.whole),
        "long": view(f"/issue{asked.long}", views.whole),
    }


def _issues(page: bytes) -> dict[int, str]:
    return {int(number): title for number, title in _ROW.findall(page.decode())}
