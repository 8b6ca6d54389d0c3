"""What a page is about to ask the database, said in advance, so that it is asked at once.

A page wants to know of a dozen things whether there are any at all, and mostly there are none. Who asks
afterwards is served from what was found (`hot.foresee`), or asks alone where nothing was foreseen, so
a question that is missing here costs time and nothing else.
"""

from app.domain import (
    cases,
    channels,
    chat_lists,
    drafts,
    hot,
    labels,
    macros,
    notifications,
    settings,
    ticks,
    timeline,
    uploads,
)
from app.domain.hot import Question
from app.domain.rules import book
from app.models import Agent, Case


def of_frame(agent: Agent) -> None:
    """What every page shows: the icon, the bell, and to admins what needs them."""
    hot.foresee(_of_frame(agent))


def of_conversation(agent: Agent, case: Case) -> None:
    """The same, and what a page of one conversation has."""
    here = {"case_id": case.id}
    mine = {"case_id": case.id, "agent_id": agent.id}
    hot.foresee(
        [
            timeline.NEWEST_EVENT.asked(**here),
            timeline.ANY_FILE.asked(**here),
            labels.ANY_ON_CASE.asked(**here),
            drafts.ANY.asked(**mine),
            uploads.ANY_WAITING.asked(**mine),
            macros.ANY_USABLE.asked(agent_id=agent.id),
            cases.ANY_ACTIVE.asked(conversation_id=case.conversation_id),
            settings.KEPT.asked(name=settings.LARGEST_FILE),
            *_of_frame(agent),
        ]
    )


def _of_frame(agent: Agent) -> list[Question]:
    asked = [
        chat_lists.ANY_NEW.asked(),
        chat_lists.ANY_ANSWERED.asked(agent_id=agent.id),
        notifications.ANY_UNREAD.asked(agent_id=agent.id),
        settings.KEPT.asked(name=settings.INACTIVITY),
    ]
    if agent.is_admin:
        asked += [
            ticks.UNTIL.asked(),
            settings.KEPT.asked(name=book.PAUSED),
            channels.ANY_TROUBLED.asked(),
        ]
    return asked
