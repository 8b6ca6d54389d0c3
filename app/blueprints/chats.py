"""Chats: New, Mine and Others, an open chat, and what agents do with it (S11-S17, S20a, S26b)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import rows, transaction
from app.blueprints import conversation
from app.blueprints.access import case_or_404, case_to_change, signed_in
from app.blueprints.answers import (
    address_of,
    go,
    id_of,
    last_seen,
    leave_if_hidden,
    refused,
    wants_fragment,
)
from app.domain import access, agents, chat_lists, chats
from app.domain.agents import Refused
from app.language import gettext as _
from app.models import Case

blueprint = Blueprint("chats", __name__)

TABS = ("new", "mine", "others")


@dataclass(frozen=True)
class ChatList:
    """One of the three lists, and how many chats stand in each."""

    tab: str
    counts: dict[str, int]
    rows: list[rows.Row]
    open_number: int | None = None

    @property
    def more_count(self) -> int:
        """How many stand behind those that are shown; the count and the rows are two looks."""
        is_full = len(self.rows) >= chat_lists.SHOWN
        return max(0, self.counts[self.tab] - len(self.rows)) if is_full else 0


@blueprint.get("/")
@signed_in
def home() -> ResponseReturnValue:
    return redirect("/chats", 303)


@blueprint.get("/chats")
@signed_in
def index() -> ResponseReturnValue:
    """The lists, and a pane that waits for a chat."""
    return render_template("chats/index.html", list=_list(request.args.get("tab")), open=None)


@blueprint.get("/chats/list")
@signed_in
def list_part() -> ResponseReturnValue:
    """The lists alone: for a change of tab, and whenever a chat changed."""
    tab = request.args.get("tab")
    response = make_response(render_template("chats/_list.html", list=_list(tab)))
    here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    if tab in TABS and request.args.get("by") == "hand" and here.startswith("/chats"):
        response.headers["HX-Replace-Url"] = f"{here}?tab={tab}"
    return response


@blueprint.get("/chats/<int:number>")
@signed_in
def show(number: int) -> ResponseReturnValue:
    """An open chat; one that has ended is a case."""
    case = case_or_404(number)
    if not case.is_active_chat:
        return _leave(case)
    opened = conversation.open_(case, id_of(request.args.get("before")))
    if wants_fragment():
        return render_template("chats/_conversation.html", open=opened)
    tab = request.args.get("tab") or _tab_of(case)
    return render_template("chats/index.html", list=_list(tab, case.number), open=opened)


@blueprint.post("/chats/<int:number>/selection")
@signed_in
def select(number: int) -> ResponseReturnValue:
    """Open the entry from the icon or from New; only this selects (S14, S31)."""
    case = case_or_404(number)
    try:
        chats.select_message(case, by=g.agent)
    except chats.NotActive:
        return _leave(case)
    transaction.commit()
    return redirect(f"/chats/{number}", 303)


@blueprint.post("/chats/<int:number>/taking")
@signed_in
def take(number: int) -> ResponseReturnValue:
    """One wins, the others are told who (H7)."""
    case = case_or_404(number)
    if chats.take(case, by=g.agent):
        return _done(case)
    return refused(_not_yours(case), address_of(case))


@blueprint.post("/chats/<int:number>/takeover")
@signed_in
def take_over(number: int) -> ResponseReturnValue:
    case = case_or_404(number)
    if chats.take_over(case, by=g.agent):
        return _done(case)
    return refused(_not_yours(case), address_of(case))


@blueprint.get("/chats/<int:number>/colleagues")
@signed_in
def colleagues(number: int) -> ResponseReturnValue:
    """Whom the chat can be handed over to, and who of them is there."""
    case = case_to_change(number)
    if not wants_fragment():
        return redirect(address_of(case), 303)
    return render_template("chats/_colleagues.html", case=case, people=agents.who_may_have(case))


@blueprint.post("/chats/<int:number>/handover")
@signed_in
def hand_over(number: int) -> ResponseReturnValue:
    """Give the chat to a colleague."""
    case = case_or_404(number)
    colleague = agents.find(id_of(request.form.get("agent_id")) or 0)
    if colleague is None:
        return refused(Refused(_("Choose an agent.")), address_of(case))
    try:
        is_changed = chats.hand_over(case, colleague, by=g.agent)
    except Refused as problem:
        return refused(problem, address_of(case))
    return _done(case) if is_changed else refused(_not_yours(case), address_of(case))


@blueprint.post("/chats/<int:number>/return")
@signed_in
def put_back(number: int) -> ResponseReturnValue:
    """Return the chat to New."""
    case = case_or_404(number)
    if chats.put_back(case, by=g.agent):
        return _done(case)
    return refused(_not_yours(case), address_of(case))


@blueprint.post("/chats/<int:number>/extension")
@signed_in
def keep_open(number: int) -> ResponseReturnValue:
    """Five more minutes before the chat ends by itself (S20a)."""
    case = case_or_404(number)
    try:
        chats.keep_open(case, by=g.agent)
    except Refused as problem:
        return refused(problem, address_of(case))
    return _done(case)


@blueprint.get("/chats/<int:number>/ending")
@signed_in
def ending(number: int) -> ResponseReturnValue:
    """Ask for the status (S17)."""
    case = case_to_change(number)
    if not case.is_active_chat:
        return _leave(case, _("This chat has ended already."))
    return _ending_form(case, chats.status_after(case))


@blueprint.post("/chats/<int:number>/ending")
@signed_in
def end(number: int) -> ResponseReturnValue:
    """End the chat. A newer message of the contact refuses once; `anyway` says it was seen."""
    case = case_or_404(number)
    status = request.form.get("status", "")
    seen = None if request.form.get("anyway") else last_seen()
    try:
        chats.end(case, status, by=g.agent, last_seen=seen)
    except chats.NotActive as problem:
        return _leave(case, str(problem))
    except chats.NewerMessage as problem:
        return _ending_form(case, status, problem=str(problem), anyway=True), 409
    except Refused as problem:
        return _ending_form(case, status, problem=str(problem)), 422
    transaction.commit()
    return go("/chats", ended_words(case))


def ended_words(case: Case) -> str:
    """What one reads in Chats after a chat has gone from there."""
    words = {"open": _("open"), "pending": _("pending"), "closed": _("closed")}
    status = words[case.status]
    return _("Chat %(number)s has ended: %(status)s.", number=case.number, status=status)


def _list(tab: str | None, open_number: int | None = None) -> ChatList:
    counts = chat_lists.counts(g.agent)
    if tab not in TABS:
        tab = "mine" if counts["mine"] and not counts["new"] else "new"
    found = {
        "new": lambda: chat_lists.incoming(access.audience_of(g.agent)),
        "mine": lambda: chat_lists.mine(g.agent),
        "others": lambda: chat_lists.others(g.agent),
    }[tab]()
    return ChatList(tab, counts, rows.of(found), open_number)


def _tab_of(case: Case) -> str:
    if case.taken_by_id is None:
        return "new"
    return "mine" if case.taken_by_id == g.agent.id else "others"


def _done(case: Case) -> ResponseReturnValue:
    """Commit, and show the chat as it is now, with the list it is in."""
    transaction.commit()
    if gone := leave_if_hidden(case):
        return gone
    if not wants_fragment():
        return redirect(f"/chats/{case.number}", 303)
    return render_template(
        "chats/_changed.html",
        regions=conversation.Regions(case),
        list=_list(_tab_of(case), case.number),
        view="chat",
    )


def _ending_form(case: Case, status: str, *, problem: str = "", anyway: bool = False) -> str:
    template = "chats/_ending.html" if request.method == "GET" else "chats/_ending_form.html"
    if not wants_fragment():
        template = "chats/ending.html"
    return render_template(template, case=case, status=status, problem=problem, anyway=anyway)


def _leave(case: Case, message: str = "") -> ResponseReturnValue:
    """The chat is over: its case is where to look (S10)."""
    if wants_fragment() or message:
        return go(f"/cases/{case.number}", message)
    return redirect(f"/cases/{case.number}", 302)


def _not_yours(case: Case) -> Refused:
    """Why a claim failed: who has it now, or that it is over."""
    if not case.is_active_chat:
        return Refused(_("This chat has ended already."))
    if case.taken_by is None:
        return Refused(_("This chat was put back to New a moment ago."))
    if case.taken_by_id == g.agent.id:
        return Refused(_("You have this chat already."))
    return Refused(_("%(name)s has this chat now.", name=case.taken_by.name))
