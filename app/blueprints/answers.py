"""How views answer: a fragment for htmx, a page or a redirect for everybody else (STYLE 15)."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from flask import Response, flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.domain import access
from app.language import gettext as _
from app.models import LARGEST_ID, Case


class Numbered(Protocol):
    """Anything with an id, by which lists are paged."""

    id: Any


Entry = TypeVar("Entry", bound=Numbered)


def wants_fragment() -> bool:
    """Whether a script of ours asks for a part; going back in history wants the whole page."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and not (
        headers.get("HX-Boosted") or headers.get("HX-History-Restore-Request")
    )


def nothing() -> ResponseReturnValue:
    """Done, and nothing in the page changes by this answer."""
    return "", 204


def go(address: str, message: str = "") -> ResponseReturnValue:
    """Lead the whole page on, with a sentence that it shows there."""
    if message:
        flash(message)
    if wants_fragment():
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address, 303)


def portion(found: Sequence[Entry], size: int) -> tuple[Sequence[Entry], int | None]:
    """What a page of a list shows, and the id below which the next one begins; None after the last.

    One more was asked for than is shown, to know whether there is one.
    """
    return found[:size], found[size - 1].id if len(found) > size else None


def offer_undo(message: str, address: str, *, case: Case | None = None) -> None:
    """Say what was done, on the page that comes next, with a button that takes it back.

    A `case` that the agent sees no more can't be taken back by them.
    """
    undo = address if case is None or access.may_see(g.agent, case) else None
    flash({"text": message, "undo": undo}, "undo")


def refused(problem: Exception, back: str) -> ResponseReturnValue:
    """Say why something was not done: a toast over the page, or on the page one goes back to."""
    if not wants_fragment():
        flash(str(problem), "error")
        return redirect(back, 303)
    response = make_response(render_template("_toast.html", text=str(problem)), 409)
    response.headers.update({"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})
    return response


def address_of(case: Case) -> str:
    """Where one reads this case: an active chat in Chats, all else on its own page (S10)."""
    return f"/chats/{case.number}" if case.is_active_chat else f"/cases/{case.number}"


def leave_if_hidden(case: Case) -> ResponseReturnValue | None:
    """After what they did the agent may see the case no more; then the page must go."""
    if access.may_see(g.agent, case):
        return None
    if g.agent.access == "assigned":
        text = _("Case %(number)s is not yours any more, so you don't see it now.", number=case.number)
        return go("/chats" if case.is_active_chat else "/cases", text)
    where = case.group.name if case.group else ""
    text = _("Case %(number)s is in %(group)s now, which you are not in.", number=case.number, group=where)
    return go("/cases", text)


def id_of(text: str | None) -> int | None:
    """An id out of a form or query, None for everything else."""
    if text and text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_ID:
        return int(text)
    return None


def last_seen() -> int:
    """The newest message that the page had shown, 0 from a form that names none: then nothing was seen (S17)."""
    return id_of(request.form.get("last_seen")) or 0
