"""Who did what to people, channels, rules and settings, and who signed in or tried to, newest first."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.blueprints.access import admin_only
from app.blueprints.answers import id_of, portion
from app.blueprints.filters import Choice
from app.blueprints.rule_history import WORDS as RULE_WORDS
from app.clock import now
from app.domain import events
from app.extensions import db
from app.language import gettext as _
from app.models import Agent, Channel, Event, Group

blueprint = Blueprint("audit", __name__, url_prefix="/settings/audit")

PORTION = 50

# Icon, and the words around the name of what it was done to.
WORDS: Mapping[str, tuple[str, Any]] = {
    "agent.changed": ("pencil", _l("changed the agent %(it)s.")),
    "agent.created": ("user-plus", _l("added the agent %(it)s.")),
    "agent.invited": ("link", _l("made a link by which %(it)s sets a password.")),
    "agent.password_changed": ("key-round", _l("set a new password.")),
    "agent.password_requested": ("mail", _l("mailed a link for a new password to %(it)s, who had asked.")),
    "agent.recovery_code_used": ("key-round", _l("used a recovery code.")),
    "agent.recovery_codes_renewed": ("key-round", _l("made new recovery codes.")),
    "agent.second_factor_added": ("shield", _l("set up a second factor.")),
    "agent.second_factor_removed": ("shield", _l("removed the second factor of %(it)s.")),
    "agent.unlocked": ("key-round", _l("let %(it)s try passwords and codes again.")),
    "case.deleted": ("trash-2", _l("deleted case %(it)s for good.")),
    "channel.changed": ("pencil", _l("changed the channel %(it)s.")),
    "channel.connected": ("plug", _l("connected the channel %(it)s.")),
    "channel.deleted": ("trash-2", _l("deleted the channel %(it)s.")),
    "channel.disabled": ("ban", _l("disabled the channel %(it)s.")),
    "channel.enabled": ("check", _l("enabled the channel %(it)s.")),
    "group.changed": ("users", _l("changed the group %(it)s.")),
    "group.created": ("users", _l("added the group %(it)s.")),
    "group.deleted": ("trash-2", _l("deleted the group %(it)s.")),
    "invitation.taken_up": ("link", _l("used a link to set a password.")),
    "label.changed": ("tag", _l("renamed a label to %(it)s.")),
    "label.created": ("tag", _l("added the label %(it)s.")),
    "label.deleted": ("trash-2", _l("deleted the label %(it)s.")),
    "session.ended": ("log-out", _l("signed out.")),
    "session.refused": ("ban", _l("was refused at sign-in as %(it)s.")),
    "session.started": ("user-check", _l("signed in.")),
    "setting.changed": ("settings", _l("changed the setting %(it)s.")),
    "token.created": ("key-round", _l("made an API token of %(it)s.")),
    "token.revoked": ("ban", _l("revoked an API token of %(it)s.")),
    **RULE_WORDS,
}
# What the facts of an ended session hold when it was not this browser's alone.
ENDINGS = {
    "agent": _l("signed %(it)s out everywhere."),
    "others_of": _l("signed out everywhere else."),
}
# What can be sought: the nouns of its events, and its name.
KINDS: Mapping[str, tuple[tuple[str, ...], Any]] = {
    "sign_in": (("session", "invitation"), _l("Signing in")),
    "people": (("agent", "group", "token"), _l("Agents and groups")),
    "channels": (("channel",), _l("Channels")),
    "rules": (("rule", "rules"), _l("Rules")),
    "settings": (("setting", "label"), _l("Settings and labels")),
    "cases": (("case",), _l("Deleted cases")),
}
DAYS: Mapping[str, Any] = {
    "1": _l("Last 24 hours"), "7": _l("Last 7 days"), "30": _l("Last 30 days"), "90": _l("Last 90 days"),
}  # fmt: skip
NOBODY = "nobody"
DETAILS = ("address", "old", "new", "last4", "reason")


@dataclass(frozen=True)
class Entry:
    """One fact: the words before and after the name of what it is about, and what else is known."""

    icon: str
    who: str
    before: str
    name: str
    after: str
    details: str
    at: datetime


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    """Narrowed by who, what and when as the address says; what makes no sense narrows nothing."""
    said = {name: value for name in ("who", "what", "days") if (value := request.args.get(name, ""))}
    before = id_of(request.args.get("before"))
    found, older = portion(events.of_audit(_sought(said), before=before, limit=PORTION + 1), PORTION)
    return render_template(
        "settings/audit.html",
        entries=_entries(found),
        choices=_choices(said),
        address=f"{blueprint.url_prefix}{'?' if said else ''}{urlencode(said)}",
        older=older,
        is_first=before is None,
    )


def _sought(said: Mapping[str, str]) -> events.Sought:
    who, days = said.get("who"), said.get("days")
    return events.Sought(
        nouns=KINDS.get(said.get("what", ""), ((), ""))[0],
        since=now() - timedelta(days=int(days)) if days in DAYS else None,
        agent_id=id_of(who),
        by_nobody=who == NOBODY,
    )


def _choices(said: Mapping[str, str]) -> list[Choice]:
    people = db.session.execute(select(Agent.id, Agent.name).order_by(Agent.name, Agent.id))
    who = [(NOBODY, _("Mado, or somebody unknown")), *((str(row.id), row.name) for row in people)]
    what = [(name, str(words)) for name, (_nouns, words) in KINDS.items()]
    days = [(name, str(words)) for name, words in DAYS.items()]
    return [
        Choice("who", _("Who"), who, said.get("who", "")),
        Choice("what", _("What"), what, said.get("what", "")),
        Choice("days", _("When"), days, said.get("days", "")),
    ]


def _entries(found: Iterable[Event]) -> list[Entry]:
    told = [(event, json.loads(event.data)) for event in found]
    names = {
        "agent": _names(Agent, {facts.get("agent") for _event, facts in told}),
        "group": _names(Group, {facts.get("group") for _event, facts in told}),
        "channel": _names(Channel, {event.channel_id for event, _facts in told}),
    }
    return [_entry(event, facts, names) for event, facts in told]


def _names(model: type[Agent | Group | Channel], ids: set[int | None]) -> dict[int, str]:
    query = select(model.id, model.name).where(model.id.in_(ids - {None}))
    return {row.id: row.name for row in db.session.execute(query)}


def _entry(event: Event, facts: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> Entry:
    icon, words = WORDS[event.type]
    if event.type == "session.ended":
        words = next((said for name, said in ENDINGS.items() if name in facts), words)
    marked = {"it": "\0", "rule": "\0", "place": facts.get("place") or "…"}
    before, mark, after = (str(words) % marked).partition("\0")
    return Entry(
        icon=icon,
        who=_who(event),
        before=before,
        name=_about(event, facts, names) if mark else "",
        after=after,
        details=" → ".join(str(facts[name]) for name in DETAILS if facts.get(name) not in (None, "")),
        at=event.occurred_at,
    )


def _who(event: Event) -> str:
    if event.agent:
        return event.agent.name
    return _("Somebody") if event.type == "session.refused" else "Mado"


def _about(event: Event, facts: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> str:
    """The name as it was recorded, or as it is now."""
    if event.channel_id:
        return names["channel"].get(event.channel_id, "")
    if "name" in facts:
        return str(facts["name"])
    if "group" in facts:
        return names["group"].get(facts["group"], "")
    if facts.get("agent"):
        return names["agent"].get(facts["agent"], "")
    if event.type == "session.refused":
        return _("nobody we know")
    if event.type == "case.deleted":
        return str(facts.get("number") or event.case_id or "")
    return str(facts.get("new") or "")
