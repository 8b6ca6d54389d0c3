"""Browsers, agents at them, and customers with phones, around one real Mado and one simulated LINE.

The servers live as long as the session; every test has customers of its own names and leaves no
chat active, so that the icon's count begins at zero. Every page fails its test for errors in the
console and violations of the CSP.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from e2e.desk import Desk
from e2e.phone import Customer, Line, wait_until
from e2e.servers import PASSWORD, Mado, Server, start_line, start_mado
from e2e.watch import Watch
from tests.chromium import launching

TEAM = {"alice": "admin", "bob": "agent", "charlie": "agent"}
TOKEN, SECRET = "T" * 172, "8c570fa6dd201bb328f1c1eac23a96d8"
REDELIVERY = {"redelivery": True, "redelivery_seconds": [1] * 40}
PATIENCE_MS = 20_000
FIRST_LOOKUP_SECONDS = 120

_numbers = itertools.count(1)
MakeDesk = Callable[..., Desk]
MakeCustomer = Callable[..., Customer]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return launching(browser_type_launch_args)


# ── Servers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def line_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_line(tmp_path_factory.mktemp("line"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server(line_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mado]:
    """A Mado with a team and a LINE channel, all made as an operator makes them."""
    mado = start_mado(tmp_path_factory.mktemp("mado"), line_server, TEAM)
    try:
        channel = ["channels", "create-line", "--name", "Mado Shop", "--token", TOKEN, "--secret", SECRET]
        webhook, mado.token = mado.run(channel, ["tokens", "create", "alice@example.com"])
        Line(line_server).account(token=TOKEN, secret=SECRET, webhook=webhook, **REDELIVERY)
        meet_somebody(mado, Line(line_server))
        yield mado
    finally:
        mado.stop()


def meet_somebody(mado: Mado, line: Line) -> None:
    """The first look-up loads LINE's SDK, which takes long on a busy machine: no test waits for it."""
    line.customer("Early Emma").writes("Good morning")

    def author() -> str:
        return mado.api("GET", "/cases/1")["author"]["name"]

    wait_until(lambda: author() == "Early Emma", author, seconds=FIRST_LOOKUP_SECONDS)
    mado.api("POST", "/cases/1/ending", {"status": "closed"})


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], server: Mado) -> dict[str, Any]:
    """Every browser knows Mado's address."""
    return {**browser_context_args, "base_url": server.url, "locale": "en-GB"}


@pytest.fixture(scope="session")
def signed_in(server: Mado, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that gives the cookies of a member of the team, who signs in once a session."""
    folder = tmp_path_factory.mktemp("cookies")

    def cookies(name: str) -> Path:
        kept = folder / f"{name}.json"
        if not kept.exists():
            with browser.new_context(base_url=server.url) as context:
                sign_in(context, f"{name}@example.com")
                context.storage_state(path=kept)
        return kept

    return cookies


def sign_in(context: BrowserContext, email: str, password: str = PASSWORD, *, at: str = "") -> Desk:
    """Sign in as people do."""
    page = context.new_page()
    page.goto(f"{at}/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/chats")
    return Desk(page)


# ── One test ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Everything that goes wrong on any page of the test; a test says what it expects of it."""
    watching = Watch()
    yield watching
    assert not watching.complaints, "\n".join(watching.complaints)


@pytest.fixture
def mado(server: Mado, line_server: Server) -> Iterator[Mado]:
    """The server; afterwards no chat is active and LINE has no faults."""
    yield server
    Line(line_server).be_faultless()
    for case in server.api("GET", "/cases?chat=active&limit=200")["items"]:
        server.api("POST", f"/cases/{case['number']}/ending", {"status": "closed"})


@pytest.fixture
def line(line_server: Server, mado: Mado) -> Line:
    return Line(line_server)


@pytest.fixture
def customer(line: Line) -> MakeCustomer:
    """A function that makes a customer nobody has met, named after one of the cast."""

    def make(name: str = "Somchai", **fields: Any) -> Customer:
        return line.customer(f"{name} {next(_numbers)}", **fields)

    return make


@pytest.fixture
def browser_of(mado: Mado, new_context: Any, watch: Watch, signed_in: Callable[[str], Path]) -> Callable[..., BrowserContext]:
    """A function that gives a watched browser in which this agent, or nobody, is signed in."""

    def make(agent: str | None, **options: Any) -> BrowserContext:
        state = {"storage_state": signed_in(agent)} if agent else {}
        context: BrowserContext = new_context(**state | options)
        context.set_default_timeout(PATIENCE_MS)
        watch.over(context)
        return context

    return make


@pytest.fixture
def desk(browser_of: Callable[..., BrowserContext]) -> MakeDesk:
    """A function that puts an agent before a browser, with a page open."""

    def make(agent: str, path: str = "/chats", **options: Any) -> Desk:
        return Desk(browser_of(agent, **options).new_page()).goto(path)

    return make
