"""Cases for programs: listing, opening, looking at one, selecting and ending its chat, its history."""

from flask import Blueprint, Response, g, request, url_for

from app import transaction
from app.blueprints.access import SAFE_METHODS
from app.blueprints.api import documents
from app.blueprints.api.inputs import Body, Query, whole_number
from app.blueprints.api.refusals import no_such_case
from app.channels import registry
from app.domain import access, cases, chats, events, labels
from app.domain.narrowing import CHATS, FLAGS, Filters
from app.models import PRIORITIES, STATUSES, Case

LONGEST_SUBJECT = 200
LONGEST_NAME = 200
LONGEST_QUERY = 200


def register(blueprint: Blueprint) -> None:
    blueprint.get("/cases")(list_cases)
    blueprint.post("/cases")(open_case)
    blueprint.get("/cases/<int:number>")(show_case)
    blueprint.post("/cases/<int:number>/ending")(end_chat)
    blueprint.post("/cases/<int:number>/selection")(select_chat)
    blueprint.get("/cases/<int:number>/events")(list_events)


def list_cases() -> Response:
    """A page of cases, last message first; without `chat` it is All cases (S10)."""
    asked = Query()
    filters = Filters(
        status=asked.choice("status", STATUSES),
        priority=asked.choice("priority", PRIORITIES),
        label_id=_label(asked),
        flag=asked.choice("flag", FLAGS),
    )
    chat = asked.choice("chat", CHATS)
    q = asked.words("q", longest=LONGEST_QUERY)
    limit, before = asked.limit(), asked.cursor()
    asked.check()
    found = cases.listed(
        access.audience_of(g.agent),
        filters,
        chat=chat,
        q=q,
        before=before,
        limit=limit,
    )
    return documents.answer(documents.page(documents.of_cases(found.cases), found.next))


def _label(asked: Query) -> int | None:
    """By id or name, as in rules."""
    value = asked.words("label", longest=labels.LONGEST_NAME)
    if not value:
        return None
    number = whole_number(value)
    found = labels.by_name(value) if number is None else labels.find(number)
    if found is None:
        asked.errors["label"] = "There is no such label."
    return found.id if found else None


def open_case() -> Response:
    """A mail-like case that a program writes down."""
    access.check_change(g.agent)
    body = Body()
    subject = body.text("subject", longest=LONGEST_SUBJECT, is_required=False)
    text = body.text("text", longest=registry.adapter("manual").text_limit)
    contact = body.name_of("contact", longest=LONGEST_NAME)
    body.check()
    case = cases.open_by_hand(subject=subject, text_=text, contact_name=contact, by=g.agent)
    document = documents.of_case(case)
    transaction.commit()
    address = url_for("api.show_case", number=case.number)
    return documents.answer(document, 201, Location=address)


def show_case(number: int) -> Response:
    return documents.answer(documents.of_case(case_or_404(number)))


def end_chat(number: int) -> Response:
    """End an active chat with a status (S17). 409 when it isn't active."""
    case = case_or_404(number)
    body = Body()
    status = body.choice("status", STATUSES)
    body.check()
    chats.end(case, status, by=g.agent)
    document = documents.of_case(case)
    transaction.commit()
    return documents.answer(document)


def select_chat(number: int) -> Response:
    """Open it as from the icon (S31): who reactivated a group's chat becomes its author."""
    case = case_or_404(number)
    chats.select_message(case, by=g.agent)
    document = documents.of_case(case)
    transaction.commit()
    return documents.answer(document)


def list_events(number: int) -> Response:
    """What happened to the case, oldest first."""
    case = case_or_404(number)
    asked = Query()
    after, limit = asked.after(), asked.limit()
    asked.check()
    found = events.of_case(case, after=after, limit=limit + 1)
    items = [documents.of_event(event) for event in found[:limit]]
    return documents.answer(documents.page(items, items[-1]["id"] if len(found) > limit else None))


def case_or_404(number: int) -> Case:
    """The case, for the eyes of the token's agent; for a change, only if they may change it."""
    case = cases.visible(number, access.audience_of(g.agent)) or no_such_case()
    if request.method not in SAFE_METHODS:
        access.check_change(g.agent)
    return case
