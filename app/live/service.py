"""From events to open pages: who must hear of what happened, and what is pushed to them.

The socket says that something changed; the database says what. Only the incoming part of the icon
is pushed as HTML, rendered once per audience (incoming.py); everything else is a topic, and the page
pulls its own partial over HTTP, where rights are checked. A lost wake costs a second, never a message.
"""

import json
import logging
import time
from collections import deque
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from app import transaction
from app.clock import now
from app.domain import access, events, presence, sessions
from app.extensions import OUTAGES, db
from app.live import handoff
from app.live.bus import Bus
from app.live.hub import Client, Hub
from app.live.incoming import Incoming
from app.models import Agent, Case, Event
from app.workers import Worker

PORTION = 500
MOST_SEEN = 800
RIGHTS_EVERY_SECONDS = 2.0
# In busy moments pages hear of many events together, and requests have the processor in between:
# the reader rests a tenth of a second, and three times as long as it had to work.
REST_SECONDS = 0.1
REST_FACTOR = 3
MOST_TOPICS = 20
# Open pages of one browser; beyond it somebody collects file descriptors, and polling still works.
MOST_PAGES = 200
SIGNED_OUT = 4401
TRY_LATER = 1013
SUBSCRIBED = json.dumps({"type": "subscribed"})
QUIET_TYPES = frozenset(
    (
        *("chat.read", "chat.selected", "note.added", "message.delayed"),
        *("notification.added", "notification.mail_failed", "webhook.queued", "webhook.failed"),
    )
)
# Minutes until a chat ends, names of channels, groups, labels and colleagues, rules that rest: they
# stand on every page.
EVERYWHERE = (
    *("setting.changed", "channel.", "group.changed", "group.deleted", "agent.changed"),
    *("label.", "rules.paused", "rules.resumed"),
)
# A group's own comings and goings stand on its page and in lists, and nowhere else.
PRESENCE = frozenset({"channel.joined_group", "channel.left_group"})
# Who may see what is asked anew before anything after these is told.
RIGHTS_TYPES = frozenset({"agent.changed", "group.changed", "group.deleted", "session.ended"})
LIST_TYPES = (
    *("case.", "chat.ended", "chat.reactivated", "contact.", *PRESENCE),
    *("message.edited", "message.unsent"),
)

log = logging.getLogger(__name__)


@dataclass
class Live:
    """The live part of one process: its hub, its reader of events, its bus."""

    app: Flask
    hub: Hub
    bus: Bus
    worker: Worker
    incoming: Incoming
    newest: int = 0
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=MOST_SEEN))
    pushed: dict[Hashable, str] = field(default_factory=dict)
    states: Mapping[int, str] | None = None
    rights_checked_at: float = 0.0
    rests_until: float = 0.0
    is_started: bool = False


def init_app(app: Flask) -> None:
    handoff.prepare(app)
    worker = Worker(app, "live", lambda: _look(of(app)))
    bus = Bus(app.extensions["mado"].redis_url, on_wake=worker.wake)
    hub = Hub()
    hub.on_text = lambda client, text: _heard(hub, client, text)
    app.extensions["live"] = Live(app, hub, bus, worker, Incoming(app))
    transaction.on_commit("events", worker.wake)
    transaction.on_commit("events", bus.publish)


def of(app: Flask) -> Live:
    return app.extensions["live"]


def begin(live: Live) -> None:
    """Start reading before a socket is taken in, so that nothing falls between."""
    if live.is_started:
        return
    live.is_started = True
    try:
        start_from_now(live)
    except Exception:
        live.is_started = False
        raise
    live.worker.start()
    live.bus.start()


def start_from_now(live: Live) -> None:
    """What happened so far is known; what commits late with an id in between is still read."""
    live.seen.extend(events.newest_ids(max(1, events.overlap())))
    live.newest = max(live.seen, default=0)


def has_too_many(live: Live, session_id: str) -> bool:
    """Whether this session holds as many sockets as one may."""
    return sum(one.session_id == session_id for one in live.hub.clients()) >= MOST_PAGES


def bus_state(app: Flask) -> str:
    """`none`, `connected` or `unreachable`, for /readyz."""
    return of(app).bus.state()


def socket_count(app: Flask) -> int:
    """How many pages hold a socket of this process."""
    return len(of(app).hub.clients())


def present_agents(app: Flask) -> frozenset[int]:
    """Agents with an open page in this process; their sessions count as used."""
    clients = of(app).hub.clients()
    for client in clients:
        sessions.touch(int(client.session_id))
    return frozenset(client.agent_id for client in clients)


def keep_presence(agent_ids: Iterable[int]) -> None:
    """Write down that these agents have a live page now."""
    db.session.execute(update(Agent).where(Agent.id.in_(list(agent_ids))).values(live_at=now()))


# ── Reading events ──────────────────────────────────────────────────────────────────────────


def _look(live: Live) -> bool:
    """Push what is new. True while a full portion says that there is more."""
    time.sleep(max(0.0, live.rests_until - time.monotonic()))
    fresh = _fresh_events(live)
    is_time = time.monotonic() - live.rights_checked_at > RIGHTS_EVERY_SECONDS
    if is_time or any(row.type in RIGHTS_TYPES for row in fresh):
        live.rights_checked_at = time.monotonic()
        _check_rights(live)
        _tell_states(live)
    try:
        _push(live, fresh)
    except OUTAGES:
        raise  # nobody was told yet, and the next look reads them again
    except Exception:
        _remember(live, fresh)
        raise
    _remember(live, fresh)
    transaction.release()
    return len(fresh) >= PORTION


def _push(live: Live, fresh: list[Any]) -> None:
    if fresh and live.hub.clients():
        began = time.monotonic()
        _tell(live, fresh)
        ended = time.monotonic()
        live.rests_until = ended + max(REST_SECONDS, REST_FACTOR * (ended - began))
    elif fresh:
        live.pushed.clear()


def _remember(live: Live, told: list[Any]) -> None:
    live.seen.extend(row.id for row in told)
    live.newest = max([live.newest, *(row.id for row in told)])


def _fresh_events(live: Live) -> list[Any]:
    columns = select(Event.id, Event.type, Event.case_id, Event.agent_id, Event.data)
    overlap = events.overlap()
    query = columns.where(Event.id > live.newest - overlap).order_by(Event.id)
    seen = set(live.seen)
    return [row for row in db.session.execute(query.limit(PORTION + overlap)) if row.id not in seen]


def _tell(live: Live, fresh: list[Any]) -> None:
    about = _cases({row.case_id for row in fresh if row.case_id})
    shown = _news_of_icon(live, fresh, about)
    told: dict[tuple[str, ...], set[int]] = {}
    for alike in _grouped(live.hub.clients()):
        topics = _topics_for(alike[0], fresh, about)
        messages = (*shown.get(alike[0].offered, ()), *_changed(topics))
        told.setdefault(messages, set()).update(map(id, alike))
    _send(live, told)


def _changed(topics: Collection[str]) -> tuple[str, ...]:
    return (json.dumps({"type": "changed", "topics": sorted(topics)}),) if topics else ()


def _send(live: Live, told: Mapping[tuple[str, ...], Collection[int]]) -> None:
    """Messages to clients, these by identity: whoever hears the same hears it from one look at all."""
    for messages, clients in told.items():
        live.hub.send(*messages, to=lambda client, ids=clients: id(client) in ids)


def _grouped(clients: Iterable[Client]) -> Iterable[list[Client]]:
    """Pages of one agent that show the same must hear the same: think once for all of them."""
    groups: dict[Hashable, list[Client]] = {}
    for client in clients:
        # An audience is one object for all who share it, and to hash what is in it takes longer.
        key = (client.agent_id, id(client.audience), id(client.offered), frozenset(client.topics))
        groups.setdefault(key, []).append(client)
    return groups.values()


def _cases(ids: set[int]) -> dict[int, Any]:
    if not ids:
        return {}
    columns = select(Case.id, Case.group_id, Case.assignee_id, Case.taken_by_id, Case.chat_state)
    return {row.id: row for row in db.session.execute(columns.where(Case.id.in_(ids)))}


def _news_of_icon(
    live: Live, fresh: list[Any], about: dict[int, Any]
) -> dict[Hashable, tuple[str, ...]]:
    """What each audience is to be shown in its icon, where it says something new."""
    if not any(_may_show(row, about) for row in fresh):
        return {}
    known = live.pushed
    live.pushed = live.incoming.html_for({client.offered for client in live.hub.clients()})
    return {
        audience: (_as_incoming(html),)
        for audience, html in live.pushed.items()
        if known.get(audience) != html
    }


def _as_incoming(html: str) -> str:
    return json.dumps({"type": "incoming", "html": html})


def _is_everywhere(row: Any) -> bool:
    return row.type.startswith(EVERYWHERE) and row.type not in PRESENCE


def _may_show(row: Any, about: dict[int, Any]) -> bool:
    if _is_everywhere(row):
        return True
    is_of_chat = row.case_id in about and about[row.case_id].chat_state != "none"
    return is_of_chat and row.type not in QUIET_TYPES


def _topics_for(client: Client, fresh: list[Any], about: dict[int, Any]) -> set[str]:
    told: set[str] = set()
    for row in fresh:
        if _is_everywhere(row):
            told |= client.topics
        if _tells(client.agent_id, row):
            told.add("notifications")
        case = about.get(row.case_id)
        if case is None:
            continue
        if _concerns(client.agent_id, row, case):
            told.add("responses")
        is_seen = access.sees(client.audience, case)  # type: ignore[arg-type]
        if not (is_seen or _may_hide(client.agent_id, row)):
            continue
        told.add(f"case:{case.id}")
        if case.chat_state != "none" and row.type != "chat.read":
            told.add("chats")
        if case.chat_state == "none" or row.type.startswith(LIST_TYPES):
            told.add("cases")
    return told & (client.topics | {"responses"})


def _concerns(agent_id: int, row: Any, case: Any) -> bool:
    """Whether this may change what waits for an agent: theirs now, before, or by their doing."""
    if agent_id in (case.taken_by_id, row.agent_id):
        return True
    return row.type.startswith("chat.") and _names(agent_id, row)


def _may_hide(agent_id: int, row: Any) -> bool:
    """Whether this may have taken the case out of the agent's sight: their page must learn it once."""
    if row.type == "case.group_changed":
        return True
    return row.type.startswith(("chat.", "case.assigned")) and _names(agent_id, row)


def _names(agent_id: int, row: Any) -> bool:
    """Whether the agent had, has or gave away what the event tells of."""
    data = json.loads(row.data)
    return agent_id in (data.get("old"), data.get("new"), data.get("taken_by"))


def _tells(agent_id: int, row: Any) -> bool:
    """Whether the agent was told something, or has read it in another page."""
    if row.type in ("notification.added", "notification.mail_failed"):
        return agent_id in json.loads(row.data)["agents"]
    return row.type == "notification.read" and row.agent_id == agent_id


# ── Clients ─────────────────────────────────────────────────────────────────────────────────


def _heard(hub: Hub, client: Client, text: str) -> None:
    """A page says which topics it shows, and is answered: from now on nothing is missed.

    On the answer the page fetches what it shows; before it, an event could fall between. Anything
    else that is said is ignored.
    """
    try:
        wanted = json.loads(text)["subscribe"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(wanted, list):
        client.topics = frozenset(topic for topic in wanted[:MOST_TOPICS] if isinstance(topic, str))
        hub.send(SUBSCRIBED, to=lambda other: other is client)


def _tell_states(live: Live) -> None:
    """Who came, went or chose something else since the last look (H2); nobody's page waits for a write."""
    clients = live.hub.clients()
    known, live.states = live.states, presence.states() if clients else None
    if live.states is None or known == live.states:
        return
    known = known or {}  # nobody looked before: somebody may have chosen since the first page was shown
    changed = {id_ for id_ in known.keys() | live.states.keys() if known.get(id_) != live.states.get(id_)}
    told: dict[tuple[str, ...], set[int]] = {}
    for client in clients:
        topics = client.topics & {"agents", *(["state"] if client.agent_id in changed else ())}
        told.setdefault(_changed(topics), set()).add(id(client))
    _send(live, told)


def _check_rights(live: Live) -> None:
    """Close sockets of ended sessions, and follow changes of role, access and groups (T15)."""
    clients = live.hub.clients()
    if not clients:
        return
    people = sessions.agents_by_session({int(client.session_id) for client in clients})
    for client in clients:
        agent = people.get(int(client.session_id))
        if agent is None:
            live.hub.close(to=lambda other, one=client: other is one, code=SIGNED_OUT)
            continue
        client.audience = access.audience_of(agent)
        if client.offered != (offered := access.offered_to(agent)):
            client.offered = offered
            shown = live.incoming.html_for([offered])[offered]
            live.hub.send(_as_incoming(shown), to=lambda other, one=client: other is one)
