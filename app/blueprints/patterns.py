"""/patterns: every component in every state, for people who work on Mado's looks.

Only in development (the app's debug flag, or MADO_PATTERNS=1); elsewhere it does not exist. The
samples are made here and nothing is read from or written to the database.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from app.blueprints.explanations import Line, Reason
from app.blueprints.picks import Pick, Waiting
from app.clock import now
from app.domain.chats import Deadline
from app.models import (
    Agent,
    Attachment,
    Case,
    Channel,
    Contact,
    Conversation,
    Delivery,
    Macro,
    Message,
)
from app.rows import Incoming, Row

blueprint = Blueprint("patterns", __name__)


@blueprint.get("/patterns")
def index() -> ResponseReturnValue:
    if not (current_app.debug or os.environ.get("MADO_PATTERNS") == "1"):
        abort(404)
    return render_template(
        "patterns/index.html",
        icons=_icons(),
        incoming=Incoming(waiting := _rows(), len(waiting)),
        messages=_messages(),
        files=_files(),
        picks=_picks(),
        sample_case=_case(),
        lines=_lines(),
        moment=now(),
        deadline=_soon(),
    )


def _icons() -> list[str]:
    sprite = Path(current_app.static_folder or "") / "vendor/icons.svg"
    return re.findall(r'<symbol id="([^"]+)"', sprite.read_text())


def _rows() -> list[Row]:
    return [
        _row(101, "Somchai Jaidee", "สวัสดีครับ ผมยังไม่ได้รับของที่สั่งไว้เลย", seconds=45),
        _row(
            102,
            "Yuki Tanaka 田中 由紀",
            "注文した商品がまだ届きません。いつ届きますか？",
            seconds=170,
        ),
        _row(
            103, "東京サポートグループ", "陳さん: 請問什麼時候會到貨?", seconds=420, is_group=True
        ),
        _row(104, "U4af4980629", "Sticker: happy, smile", seconds=3700, ends_in=80),
    ]


def _row(
    number: int,
    title: str,
    snippet: str,
    *,
    seconds: int,
    is_group: bool = False,
    ends_in: int = 900,
) -> Row:
    moment = now()
    return Row(
        number=number,
        title=title,
        snippet=snippet,
        priority="high" if is_group else "normal",
        channel="LINE Shop",
        is_group=is_group,
        picture=None,
        waiting_since=moment - timedelta(seconds=seconds),
        last_message_at=moment - timedelta(seconds=seconds),
        deadline=Deadline(
            moment + timedelta(seconds=ends_in), moment + timedelta(seconds=ends_in - 120)
        ),
        taken_by=None,
    )


def _soon() -> Deadline:
    return Deadline(now() + timedelta(seconds=95), now() - timedelta(seconds=1))


def _case() -> Case:
    return Case(
        id=101,
        contact_id=1,
        contact=Contact(id=1, name="Somchai"),
        channel=Channel(kind="line", name="LINE Shop"),
        conversation=Conversation(kind="user"),
        last_message_id=9,
    )


def _picks() -> list[Pick]:
    done = Waiting("5-0-00000000", "set status Pending", "")
    gone = Waiting("5-1-00000000", "add label a deleted label", "This label is gone.")
    return [
        Pick(Macro(id=5, name="Refund granted", owner_id=1), "Your money is on its way.", [done, gone]),
        Pick(Macro(id=6, name="Shipping"), "Parcels abroad take five to seven working days.", []),
    ]


def _lines() -> list[Line]:
    """Rules that acted, were passed over, failed and wait."""
    yes, no = Reason("its status is Open", "Open", True), Reason("it is outside working hours", "Inside", False)
    blocks = [("all", [yes, no])]
    return [
        Line(1, "Raise", "fired", "set priority High", "and", [("all", [yes])], yes, since_then="changed since"),
        Line(2, "Answer at night", "not", "", "and", blocks, no),
        Line(3, "Note", "failed", "", "and", [], None, notes="Something in it broke; admins see what."),
        Line(4, "Remind", "waits", "", "and", blocks, no),
    ]


def _files() -> list[Attachment]:
    """Pictures have no place here: they would have to be in the database."""
    states = [
        {"kind": "image", "state": "waiting"},
        {"kind": "video", "state": "waiting", "problem": "LINE is still preparing it."},
        {"kind": "image", "state": "gone", "problem": "LINE has it no more."},
        {"kind": "file", "state": "refused", "problem": "It is larger than 50 MB."},
        {"kind": "file", "size": 482_133, "filename": "領収書 2026-11.pdf"},
        {"kind": "audio", "content_type": "audio/mp4"},
        {"kind": "video", "content_type": "video/mp4"},
    ]
    made = {"state": "stored", "filename": ""}
    return [Attachment(id=number, **made | state) for number, state in enumerate(states, 1)]


def _messages() -> list[Message]:
    bob = Agent(id=2, name="Bob")
    problem = Delivery(problem="LINE could not be reached.", due_at=now() + timedelta(seconds=20))
    said = [
        {
            "direction": "in",
            "text": "สวัสดีครับ ORD-0012345 https://example.com/track",
            "contact_id": 1,
        },
        {"direction": "in", "text": "happy, smile", "kind": "sticker", "contact_id": 1},
        {"direction": "system", "text": "Somchai added the account."},
        {"direction": "out", "text": "Sent", "agent": bob, "state": "sent"},
        {"direction": "out", "text": "On its way", "agent": bob, "state": "queued"},
        {
            "direction": "out",
            "text": "Queued",
            "agent": bob,
            "state": "queued",
            "delivery": problem,
        },
        {
            "direction": "out",
            "text": "Failed",
            "agent": bob,
            "state": "failed",
            "error": "LINE refused the token.",
        },
        {
            "direction": "out",
            "text": "Unconfirmed",
            "agent": bob,
            "state": "unconfirmed",
            "error": "LINE did not answer in time.",
        },
        {"direction": "note", "text": "Ask Alice before promising a date.", "agent": bob},
    ]
    return [
        Message(**{"id": number, "kind": "text", "received_at": now(), **one})
        for number, one in enumerate(said, start=1)
    ]
