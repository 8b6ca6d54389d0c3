"""The shapes of what the API takes and gives, as JSON Schema (OpenAPI 3.1 is JSON Schema 2020-12).

Answers name every member and refuse all others, so that a test can prove what leaves (T27).
Requests allow others, which are ignored.
"""

from app.blueprints.api.documents import FACTS
from app.blueprints.api.macro_schemas import MACRO_SCHEMAS
from app.blueprints.api.rule_schemas import RULE_SCHEMAS
from app.blueprints.api.shapes import (
    Schema,
    closed,
    count,
    moment,
    nullable,
    page_of,
    ref,
    text,
    whole,
)
from app.models import PRIORITIES, STATUSES

DIRECTIONS = ("in", "out", "note", "system")
STATES = ("queued", "sent", "failed", "unconfirmed")
CONVERSATION_KINDS = ("user", "group", "room", "thread")

SCHEMAS: dict[str, Schema] = {
    "Agent": closed("A person of the team.", id=whole("The agent's id."), name=text("Their name.")),
    "Contact": closed(
        "A customer.",
        id=nullable(whole("The contact's id."), "Null when the channel does not say who it is."),
        name=text("Their name; the channel's own id of them until the name is known."),
    ),
    "Channel": closed(
        "A connected account.",
        id=whole("The channel's id."),
        kind=text("Such as `line` or `manual`."),
        name=text("What the team calls it."),
    ),
    "Conversation": closed(
        "The address on a channel that is talked to.",
        id=whole("The same in every case of this conversation."),
        kind={"enum": list(CONVERSATION_KINDS), "description": "`thread` is mail-like."},
        name=nullable({"type": "string"}, "Of a group or room; null for one person."),
    ),
    "Case": closed(
        "One numbered piece of correspondence. A chat is a case from a chat channel.",
        number=whole("The case number."),
        subject=text("The subject."),
        status={"enum": list(STATUSES), "description": "The status."},
        priority={"enum": list(PRIORITIES), "description": "How pressing it is."},
        labels={"type": "array", "description": "By name.", "items": ref("Label")},
        is_spam={"type": "boolean", "description": "Whether it is spam."},
        trashed_at=nullable(moment("When it was moved to the trash."), "Null when it isn't there."),
        chat={"enum": ["active", "ended", None], "description": "Null when it is no chat."},
        channel=ref("Channel"),
        conversation=ref("Conversation"),
        author=ref("Contact"),
        taken_by=nullable(ref("Agent"), "Who has taken the chat; null when nobody has."),
        assignee=nullable(ref("Agent"), "Who is responsible."),
        created_at=moment("When the case began."),
        last_message_at=moment("When its last message came or was written."),
    ),
    "Label": closed(
        "A word that cases are sorted by.",
        id=whole("The label's id."),
        name=text("The word."),
    ),
    "Message": closed(
        "One entry of a case.",
        id=whole("Ids rise in the order the messages of a case came."),
        direction={
            "enum": list(DIRECTIONS),
            "description": "From the contact, to them, an internal note, or a system line.",
        },
        sender=nullable(
            {"anyOf": [ref("Contact"), ref("Agent")]},
            "A contact for `in`, an agent for `out` and `note`, null for `system`.",
        ),
        kind=text("`text`, or the channel's word for what it is: `image`, `sticker`, ..."),
        text=text(
            "What can be read of it: the text, a sticker's words, a file's name, a place's title and"
            " address; empty where there is nothing, and when it was unsent."
        ),
        sent_at=nullable(
            moment("When the contact sent it, by the channel's clock, or when the channel took it."),
            "Null while a reply has not been sent.",
        ),
        received_at=moment("When it came to Mado."),
        quoted=nullable(
            closed(
                "The message it quotes.",
                id=whole("Its id; it may stand in an earlier case of the conversation."),
                text=text("Its text, as in that message."),
            ),
            "Null when it quotes none, or none that Mado has and the token's agent may see.",
        ),
        edited_at=nullable(moment("When the contact changed it last."), "Null when never."),
        unsent_at=nullable(moment("When the contact took it back."), "Null when it stands."),
        state={
            "enum": [*STATES, None],
            "description": "What became of a reply; null where nothing is sent.",
        },
        error=nullable({"type": "string"}, "Why a reply was not sent, or not yet."),
        attachments={
            "type": "array",
            "description": "Its files, in their order.",
            "items": ref("Attachment"),
        },
    ),
    "Attachment": closed(
        "A file of a message.",
        id=whole("The file's id."),
        filename=text("Its name; one made from its id when it came without."),
        content_type=nullable(
            {"type": "string"}, "What its bytes tell; null until it has been fetched."
        ),
        size=nullable({"type": "integer", "minimum": 0}, "In bytes; null when not known yet."),
        url=nullable(
            {"type": "string", "format": "uri"},
            "Where the original bytes are, for the same token. Null until it has been fetched, and"
            " for what the channel has no more.",
        ),
    ),
    "Event": closed(
        "One recorded fact of a case.",
        id=whole("Ids rise in the order things happened."),
        type=text("What happened: noun, dot, verb in the past tense.", pattern=r"^\w+\.\w+$"),
        occurred_at=moment("When it happened."),
        agent=nullable(ref("Agent"), "Who did it; null when no agent did."),
        message=nullable(whole("A message's id."), "The message it is about."),
        facts={
            "type": "object",
            "description": "What it was before and after, and why, as far as the type has it.",
            "properties": {name: {"type": ["string", "integer", "null"]} for name in FACTS},
            "additionalProperties": False,
        },
    ),
    **RULE_SCHEMAS,
    **MACRO_SCHEMAS,
    "Health": closed(
        "How a channel stands.",
        channel=ref("Channel"),
        state={"enum": ["draft", "connected", "disabled"], "description": "Its state."},
        problem=nullable({"type": "string"}, "What an admin must mend; null when nothing."),
        checks={"type": "array", "items": ref("Check")},
        last_event_at=nullable(moment("When something last came in."), "Null before the first."),
        failed_signature_count=count("Calls whose signature did not fit."),
        failed_signature_at=nullable(moment("The last one."), "Null when there was none."),
        ignored_count=count("Calls while the channel was disabled."),
        kept_back_count=count("Events that could not be taken in and are kept."),
        quota=closed(
            "A month's messages, as the provider told.",
            limit=nullable(count("How many there are."), "Null: no limit, or not known."),
            used=nullable(count("How many are used."), "Null when not known."),
            asked_at=nullable(moment("When that was told."), "Null before the first time."),
        ),
        failures={"type": "array", "items": ref("Failure")},
    ),
    "Check": closed(
        "One thing that the provider was asked about the channel.",
        name=text("A word for programs: `token`, `webhook_url`, `use_webhook`, `webhook_test`, ..."),
        is_good={"type": ["boolean", "null"], "description": "Null when nobody could say."},
        text=text("The answer in words, with what to do."),
        checked_at=nullable(moment("When it was asked."), "Null when it was not asked yet."),
    ),
    "Failure": closed(
        "A call that the provider refused.",
        occurred_at=moment("When."),
        call=text("Which call."),
        status=nullable({"type": "integer"}, "The HTTP status; null when nobody answered."),
        request_id=nullable({"type": "string"}, "What the provider's support asks for."),
        reason=text("Why, in words."),
    ),
    "CasePage": page_of("Case", "cursor"),
    "MessagePage": page_of("Message", "after"),
    "EventPage": page_of("Event", "after"),
    "Problem": {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": text("`about:blank`: the status says it."),
            "title": text("The status in words."),
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": text("What happened and what to do now."),
            "errors": {
                "type": "object",
                "description": "With 422: each wrong field, parameter or header, and why.",
                "additionalProperties": {"type": "string"},
            },
            "case": whole("With 409: the case in which the conversation goes on."),
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": False,
    },
}
