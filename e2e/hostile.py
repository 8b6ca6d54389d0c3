"""A Mado in which everything that has a name is called as an attacker would call it (T4)."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from e2e.conftest import SECRET, TOKEN
from e2e.desk import Desk
from e2e.phone import Customer, Line
from e2e.second_factor import begin
from e2e.servers import PASSWORD, Mado
from linesim import ids

HOSTILE = [
    '"><img src=x onerror=window.pwn=1>', "<script>window.pwn=1</script>", "</title><script>window.pwn=1</script>",
    "<svg/onload=window.pwn=1>", "javascript:window.pwn=1", "{{7*7}} ${7*7} {0.__class__}",
    "&#60;img src=x onerror=window.pwn=1&#62;", "' autofocus onfocus=window.pwn=1 x='", "</textarea><img src=x onerror=window.pwn=1>",
    "line\u2028window.pwn=1\u2029//", '{"a":"</script><img src=x onerror=window.pwn=1>"}',
    "<div hx-get=/settings hx-trigger=load hx-swap-oob=true>", "<iframe srcdoc='<script>top.pwn=1</script>'>",
    "\u202eevil\u202c http://x/?\"onmouseover=window.pwn=1", "W" * 120,
]
# As long as every kind of name may be.
NAMES = [text[:60] for text in HOSTILE]
# Refused by the machine itself, at once.
NOBODY_LISTENS = "http://127.0.0.1:9/"


@dataclass(frozen=True)
class World:
    """One admin is signed in; `narrow` opens a page of a browser in which nobody is."""

    mado: Mado
    line: Line
    alice: Desk
    narrow: Callable[[], Page]


def named(mado: Mado, line: Line, narrow: Callable[[], Page]) -> World:
    """Everything has its name, and nobody has written yet."""
    line.account(token=TOKEN, secret=SECRET)
    channel = ["channels", "create-line", "--name", HOSTILE[0], "--token", TOKEN, "--secret", SECRET]
    webhook, mado.token = mado.run(channel, ["tokens", "create", "alice@example.com"])
    line.account(webhook=webhook)
    page = begin(narrow(), "alice@example.com")
    page.wait_for_url("**/chats")
    alice = Desk(page)
    name_the_team(mado)
    name_the_settings(mado, alice)
    expect_named(alice)
    return World(mado, line, alice, narrow)


def name_the_team(mado: Mado) -> None:
    """A few colleagues (passwords take their time), with addresses hostile0@example.com and so on."""
    create = ["agents", "create"]
    told = [(f"hostile{place}@example.com", name) for place, name in enumerate(NAMES[:4])]
    mado.run(*(([*create, email, "--name", name, "--password-stdin"], f"{PASSWORD}\n") for email, name in told))


def name_the_settings(mado: Mado, alice: Desk) -> None:
    """Groups, labels, holidays, macros, and rules, which put all of the labels on whatever comes and tell everybody."""
    for name in NAMES:
        post(alice, "/settings/groups/new", name=name)
        post(alice, "/settings/labels", name=name)
        mado.api("POST", "/macros", {"name": name, "text": name, "shared": True})
        steps = [{"action": "add_labels", "value": [name]}]
        mado.api("POST", "/rules", {"type": "new_case", "name": name, "actions": steps})
    notice = {"to": ["all"], "by": ["app"], "text": "".join(HOSTILE[:4]) + " {contact.name}"}
    steps = [
        {"action": "notify_agents", "value": notice}, {"action": "call_webhook", "value": NOBODY_LISTENS},
        {"action": "assign_to", "value": "group:1"},
    ]
    mado.api("POST", "/rules", {"type": "new_case", "name": NAMES[0], "actions": steps})
    post(alice, "/settings/hours", **{"zone": "Asia/Tokyo", "holiday-day": "2030-01-01", "holiday-name": NAMES[0]})


def invitation(alice: Desk, email: str) -> str:
    """The link for a new colleague of a hostile name."""
    alice.page.goto("/settings/agents/new")
    alice.page.get_by_label("Name").fill(NAMES[0])
    alice.page.get_by_label("Email").fill(email)
    alice.press("Add agent")
    return alice.page.get_by_label("Link to set a password").input_value()


def expect_named(alice: Desk) -> None:
    """Names that lose nothing when they are saved can be read letter for letter."""
    for path in ("rules", "labels", "groups", "agents"):
        main = alice.goto(f"/settings/{path}").page.locator("main")
        for name in NAMES[:4]:
            expect(main).to_contain_text(name)


def post(desk: Desk, path: str, **fields: str) -> None:
    """Send a form as a page does, without opening it."""
    token = desk.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    answer = desk.page.request.post(path, form={**fields, "csrf_token": token})
    assert answer.ok, f"{path}: {answer.status}"


def write_from_everywhere(mado: Mado, line: Line) -> list[Customer]:
    """Names, texts, files, buttons, a group's name, subjects, and what Mado can't read, from every side they come from."""
    people = [line.customer(name) for name in HOSTILE]
    for person in people:
        person.writes(person.name)
    group = line.group(HOSTILE[0], *people[:2])
    for person, text in zip(people, HOSTILE, strict=True):
        person.sends({"kind": "file", "extra": {"fileName": f"{text}.pdf"}})
        person.chooses(text)
        people[0].writes(text, group=group)
        mado.api("POST", "/cases", {"subject": text, "text": text, "contact": text})
    unreadable = {"type": "message", "message": HOSTILE[0], "timestamp": int(time.time() * 1000), "webhookEventId": ids.event_id()}
    line.call("POST", "/webhooks", {"events": [unreadable], "wait": True})
    return people
