"""The composer: what it sends, keeps, quotes and picks, and that an agent writes (H6, R8, U2)."""

from collections.abc import Sequence

from flask import Blueprint, abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import signals, transaction
from app.blueprints import conversation, picks
from app.blueprints.access import case_or_404, case_to_change, own_transaction, signed_in
from app.blueprints.answers import (
    address_of,
    go,
    id_of,
    last_seen,
    leave_if_hidden,
    nothing,
    wants_fragment,
)
from app.blueprints.chats import ended_words
from app.blueprints.forms import whole_numbers
from app.domain import access, chats, chosen_steps, drafts, macros, quotes
from app.domain.agents import Refused
from app.domain.characters import units
from app.domain.chosen_steps import Chosen
from app.language import gettext as _
from app.models import Case

blueprint = Blueprint("composer", __name__)

LONGEST_TEXT = 25_000
LONGEST_KEY = 100
MOST_STEPS = 100


@blueprint.post("/cases/<int:number>/messages")
@signed_in
def post(number: int) -> ResponseReturnValue:
    """A reply or an internal note with the files of its draft, and what waits of macros: once per key.

    The bubble comes the way all bubbles come.
    """
    case = case_or_404(number)
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    files, was_active = whole_numbers(request.form.getlist("attachment")), case.is_active_chat
    key = request.form.get("key", "")[:LONGEST_KEY] or None
    try:
        steps = chosen_steps.checked(_marks(), by=g.agent)
        _check(text, files, steps, case)
        if text or files:
            _write(case, text, files, key)
        notes = chosen_steps.apply(case, steps, by=g.agent, key=key, last_seen=last_seen())
    except chats.OtherChatActive as problem:
        return _goes_on_elsewhere(case, problem)
    except Refused as problem:
        return _not_sent(case, problem)
    drafts.forget(case, by=g.agent)
    transaction.commit()
    return _sent(case, notes, has_ended=bool(steps) and was_active and not case.is_active_chat)


@blueprint.post("/cases/<int:number>/draft")
@signed_in
def draft(number: int) -> ResponseReturnValue:
    """Keep what is being typed (U2)."""
    case = case_or_404(number)
    keep_draft(case)
    transaction.commit()
    return nothing()


@blueprint.get("/cases/<int:number>/macros")
@signed_in
def macro_list(number: int) -> ResponseReturnValue:
    """What "/" offers, with its words for this case (R8)."""
    case = case_to_change(number)
    if not wants_fragment():
        return redirect(address_of(case), 303)
    return render_template("cases/_macro_list.html", case=case, picks=picks.for_case(case))


@blueprint.post("/cases/<int:number>/macros")
@signed_in
def pick(number: int) -> ResponseReturnValue:
    """Without a script: put a macro into the draft, after what was typed."""
    case = case_or_404(number)
    macro = macros.find(id_of(request.form.get("macro_id")) or 0, g.agent)
    if macro:
        marks = [one.mark for one in chosen_steps.of(macro)]
        keep_draft(case, macros.filled(macro, case, by=g.agent), marks)
    else:
        keep_draft(case)
    transaction.commit()
    return go(address_of(case), "" if macro else _("Choose a macro first."))


@blueprint.get("/cases/<int:number>/messages/<int(max=9223372036854775807):message_id>/quote")
@signed_in
def quote(number: int, message_id: int) -> ResponseReturnValue:
    """What the composer shows of a message that an agent wants to quote (L4)."""
    case = case_to_change(number)
    if not wants_fragment():
        return redirect(f"{address_of(case)}?quote={message_id}", 303)
    quoted = conversation.quoted(case, message_id)
    if quoted is None:
        abort(404)
    return render_template("cases/_quote.html", case=case, quoted=quoted)


@blueprint.post("/cases/<int:number>/typing")
@signed_in
@own_transaction
def typing(number: int) -> ResponseReturnValue:
    """An agent writes a reply; the provider is told in the background, or not at all (L10)."""
    case = case_or_404(number)
    if conversation.shows_typing(case):
        signals.is_typing(case.conversation_id)
    return nothing()


def keep_draft(case: Case, picked: str = "", marks: Sequence[str] = ()) -> None:
    """What the composer's form holds, with what was picked after it, for when it is opened again."""
    texts = (request.form.get("text", ""), picked)
    is_note = request.form.get("mode") == "note"
    text = "\n".join(text for text in texts if text)
    drafts.keep(case, text, is_note=is_note, steps=[*_marks(), *marks], by=g.agent)


def _marks() -> list[str]:
    """The ticked steps of macros; a script names them all in one field."""
    return " ".join(request.form.getlist("step")).split()[:MOST_STEPS]


def _write(case: Case, text: str, files: list[int], key: str | None) -> None:
    if request.form.get("mode") == "note":
        chats.note(case, text, by=g.agent, key=key, files=files)
        return
    quoted = quotes.quotable(case, id_of(request.form.get("quoted_id")))
    chats.reply(case, text, by=g.agent, key=key, files=files, quoted=quoted)


def _check(text: str, files: list[int], steps: Sequence[Chosen], case: Case) -> None:
    if request.form.get("files"):  # a browser without scripts names what was chosen only
        raise Refused(_("Press “Attach the chosen files” first, then send."))
    if not (text or files or steps):
        raise Refused(_("Write something first."))
    is_reply = request.form.get("mode") != "note"
    if is_reply and (problem := conversation.problem_with(case, text, files)):
        raise Refused(problem)
    limit = conversation.text_limit(case) if is_reply else LONGEST_TEXT
    if (length := units(text)) > limit:
        raise Refused(
            _(
                "This is %(length)s characters long; %(limit)s can be sent. Shorten it, or send it in parts.",
                length=length,
                limit=limit,
            )
        )


def _sent(case: Case, notes: Sequence[str], *, has_ended: bool) -> ResponseReturnValue:
    """Nothing changes by this answer, unless what a macro did leads on or has to be told."""
    gone = leave_if_hidden(case)
    if wants_fragment() and not (gone or has_ended):
        said = "".join(render_template("_toast.html", text=note) for note in notes)
        return said or nothing()
    for note in notes:
        flash(note)
    if has_ended and not gone:
        return go("/chats", ended_words(case))
    return gone or redirect(address_of(case), 303)


def _goes_on_elsewhere(case: Case, problem: chats.OtherChatActive) -> ResponseReturnValue:
    """S26a: where the conversation goes on, for those who may see it."""
    if access.may_see(g.agent, problem.case):
        return _not_sent(case, problem, going_on=problem.case)
    return _not_sent(case, Refused(_("This conversation goes on in another chat.")))


def _not_sent(case: Case, problem: Refused, going_on: Case | None = None) -> ResponseReturnValue:
    """The composer keeps the text and says why; without a script it goes to the draft."""
    transaction.start_writing()
    if wants_fragment():
        said = render_template("cases/_not_sent.html", problem=problem, going_on=going_on)
        return said, 409 if going_on else 422
    keep_draft(case)
    transaction.commit()
    return go(address_of(case), str(problem))
