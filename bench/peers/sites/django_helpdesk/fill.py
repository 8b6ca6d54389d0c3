"""Fill an empty django-helpdesk: `python fill.py cases.jsonl PASSWORD`.

A case's first message is the ticket's description and each other one a follow-up. (By mail the first
would be kept a second time, as a follow-up.) Three agents, one queue, contacts by their address.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from helpdesk.models import FollowUp, Queue, Ticket  # noqa: E402

AGENTS = ("alice", "bob", "charlie")
STATUSES = {
    "open": Ticket.OPEN_STATUS,
    "pending": Ticket.RESOLVED_STATUS,
    "closed": Ticket.CLOSED_STATUS,
}
PAGE = 50
PORTION = 2000


def ticket_of(case, queue):
    moment = datetime.fromtimestamp(case["at"], UTC)
    return Ticket(
        id=case["id"],
        title=case["subject"],
        description=case["messages"][0][1],
        queue=queue,
        created=moment,
        modified=moment,
        submitter_email=f"{case['contact'].rpartition(' ')[2]}@example.com",
        assigned_to_id=case["assignee"],
        status=STATUSES[case["status"]],
    )


def follow_ups_of(case):
    moment = datetime.fromtimestamp(case["at"], UTC)
    for turn, (direction, said) in enumerate(case["messages"][1:], 1):
        yield FollowUp(
            ticket_id=case["id"],
            date=moment + timedelta(milliseconds=5 * turn),
            title="Comment",
            comment=said,
            public=True,
            user_id=None if direction == "in" else 1,
        )


def add_agents(password):
    for name in AGENTS:
        agent = get_user_model().objects.create_user(
            name, f"{name}@example.com", password, first_name=name.title(), is_staff=True
        )
        agent.usersettings_helpdesk.tickets_per_page = PAGE
        agent.usersettings_helpdesk.save()


def main(file, password):
    call_command("migrate", verbosity=0)
    add_agents(password)
    queue = Queue.objects.create(title="Shop", slug="shop")
    Ticket._meta.get_field("created").auto_now_add = False
    Ticket._meta.get_field("modified").auto_now = False
    with open(file, encoding="utf-8") as lines:
        while portion := [json.loads(line) for line in islice(lines, PORTION)]:
            Ticket.objects.bulk_create(ticket_of(case, queue) for case in portion)
            FollowUp.objects.bulk_create(chain.from_iterable(map(follow_ups_of, portion)))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('helpdesk_ticket', 'id'), max(id)) FROM helpdesk_ticket"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
