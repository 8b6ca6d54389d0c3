"""The demo: a believable week, told once, only into an empty database on this machine."""

import itertools
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import clock, create_app, schema, transaction
from app.channels.line.credentials import Credentials
from app.demo import __main__ as demo
from app.demo import script, shop
from app.domain import access, agents, cases, passwords, sweeps
from app.extensions import db
from app.models import Agent, Case, Channel, Conversation, Delivery, Event, Group, Macro, Message
from linesim import ids
from tests.conftest import config_for


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flask, dict[str, Any]]:
    """A Mado whose demo was told, and what `make run` is told of it. Nobody changes it."""
    app = fresh(tmp_path_factory.mktemp("demo"))
    with app.app_context():
        return app, demo.prepare(app)


def fresh(folder: Path, **changes: Any) -> Flask:
    app = create_app(config_for(f"sqlite:///{folder / 'mado.sqlite3'}", folder, **changes))
    schema.bring_up_to_date(app)
    return app


def count(model: type, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


# ── What is told ────────────────────────────────────────────────────────────────────────────


def test_demo_has_an_admin_two_agents_two_groups_and_a_connected_line_channel(told):
    app, _ = told
    with app.app_context():
        assert sorted(db.session.scalars(select(Agent.role))) == ["admin", "agent", "agent"]
        assert count(Group) == 2
        channel = db.session.scalars(select(Channel).where(Channel.kind == "line")).one()
        assert channel.is_connected
        assert Credentials.of(channel).secret


def test_audit_of_the_demo_stands_in_the_order_of_time(told):
    app, _ = told
    with app.app_context():
        told_of = Event.type.like("label.%") | Event.type.like("agent.%") | Event.type.like("channel.%")
        moments = list(db.session.scalars(select(Event.occurred_at).where(told_of).order_by(Event.id)))
    assert len(moments) > 5
    assert moments == sorted(moments)


def test_demo_has_macros_for_everybody_and_one_of_an_agents_own(told):
    app, _ = told
    with app.app_context():
        assert count(Macro, Macro.owner_id.is_(None)) == 3
        assert count(Macro, Macro.owner_id.is_not(None)) == 1


def test_demo_has_a_week_of_ended_chats_and_six_mail_like_cases(told):
    app, _ = told
    with app.app_context():
        assert count(Case, Case.chat_state == "ended") >= 35
        assert count(Case, Case.chat_state == "none") == 6
        assert count(Case, Case.chat_state == "active") == 0
        assert set(db.session.scalars(select(Case.status))) == {"open", "pending", "closed"}
        groups = select(Conversation.kind).where(Conversation.kind == "group")
        assert db.session.scalars(groups).all() == ["group"]


def test_demo_leaves_nothing_waiting(told):
    app, _ = told
    with app.app_context():
        assert count(Delivery) == 0
        assert count(Message, Message.direction == "out", Message.state == "queued") == 0
        assert sweeps.end_inactive() == 0


def test_demo_lies_in_the_past_and_in_the_order_of_time(told):
    app, _ = told
    with app.app_context():
        told_at = clock.now()
        events = db.session.scalars(select(Event.occurred_at).order_by(Event.id)).all()
        week = [moment for moment in events if moment < told_at - timedelta(minutes=1)]
        assert week[0] > told_at - timedelta(days=9)
        assert events[-1] <= told_at
        received = db.session.scalars(select(Message.received_at).order_by(Message.id)).all()
        assert received == sorted(received)
        created = db.session.scalars(select(Case.created_at).order_by(Case.id)).all()
        assert created == sorted(created)


def test_demo_is_found_in_every_script(told):
    app, _ = told
    with app.app_context():
        found = {
            q: len(cases.listed(access.EVERYTHING, q=q).cases)
            for q in ("領収書", "茶園", "ส่ง", "teapot", "Yuki", "Bergmann")
        }
        assert min(found.values()) >= 1


def test_demo_knows_its_customers_by_name_and_language(told):
    app, _ = told
    with app.app_context():
        by_name = {
            case.contact.name: case.contact.language
            for case in db.session.scalars(select(Case).where(Case.chat_state == "ended"))
            if case.contact and case.contact.name
        }
        assert by_name["Yuki"] == "ja"
        assert set(by_name.values()) == {"ja", "th", "zh-TW", "en"}


# ── With the simulator ──────────────────────────────────────────────────────────────────────


def test_simulator_calls_the_people_of_the_week_by_the_same_ids():
    assert shop.line_id("U", "user", "佐藤 美咲") == ids.user_id("佐藤 美咲")
    assert shop.line_id("C", "group", "Office move 引越し") == ids.group_id("Office move 引越し")


def test_everybody_of_the_week_is_named_to_the_simulator_once(told):
    _, prepared = told
    names = [customer["name"] for customer in prepared["customers"]]
    assert "Somchai" in names and "Bergmann Teehandel GmbH" not in names
    assert len(names) == len(set(names))


# ── Who can sign in ─────────────────────────────────────────────────────────────────────────


def test_sign_ins_are_right_and_kept_for_their_owner_alone(told):
    app, prepared = told
    kept = app.extensions["mado"].data_dir / demo.FILE
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    assert [account["role"] for account in prepared["accounts"]] == ["admin", "agent", "agent"]
    with app.app_context():
        hana = agents.by_email("hana@example.com")
        assert hana and passwords.is_right(prepared["accounts"][0]["password"], hana.password_hash)


def test_second_start_tells_nothing_and_knows_the_sign_ins_still(told):
    app, first = told
    with app.app_context():
        before = count(Event)
        second = demo.prepare(app)
        assert count(Event) == before
    assert not second["is_told"]
    assert (second["accounts"], second["line"]) == (first["accounts"], first["line"])


def test_changed_password_and_deleted_channel_are_not_printed(tmp_path: Path):
    app = fresh(tmp_path)
    with app.app_context():
        demo.prepare(app)
        with transaction.writing():
            hana = agents.by_email("hana@example.com")
            assert hana
            agents.set_password(hana, passwords.hashed("four unrelated words here"))
            db.session.scalars(
                select(Channel).where(Channel.kind == "line")
            ).one().state = "deleted"
        later = demo.prepare(app)
    assert [account["email"] for account in later["accounts"]] == [
        "niran@example.com",
        "mia@example.com",
    ]
    assert later["line"] is None


# ── Where it is not told ────────────────────────────────────────────────────────────────────


def test_demo_is_not_told_where_others_could_reach_it(tmp_path: Path):
    app = fresh(tmp_path, host="0.0.0.0")
    with app.app_context():
        prepared = demo.prepare(app)
        assert count(Agent) == count(Case) == count(Channel) == 0
    assert prepared["accounts"] == [] and not prepared["has_agents"]
    assert not (tmp_path / demo.FILE).exists()


def test_demo_is_not_told_behind_a_public_address(tmp_path: Path):
    app = fresh(tmp_path, public_url="https://help.example.com")
    with app.app_context():
        assert not demo.prepare(app)["is_told"]
        assert count(Case) == 0


def test_demo_is_not_told_over_somebodys_own_data(tmp_path: Path):
    app = fresh(tmp_path)
    with app.app_context():
        with transaction.writing():
            agents.create("alice@example.com", name="Alice", role="admin")
        prepared = demo.prepare(app)
        assert count(Case) == 0
    assert prepared["has_agents"] and prepared["accounts"] == []


# ── week.txt ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hour", [0, 3, 9, 14, 23])
def test_whenever_mado_starts_the_week_is_over(hour: int):
    today = datetime(2026, 11, 23, hour, 5, tzinfo=ZoneInfo("Asia/Tokyo"))
    moments = [moment for scene in script.read() for moment, _ in script.moments(scene, today)]
    assert max(moments) < today - timedelta(minutes=1)
    assert min(moments) > today - timedelta(days=9)


def test_nobody_is_quiet_for_ten_minutes_before_the_script_says_so():
    today = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    chatted = [scene for scene in script.read() if not scene.subject]
    gaps = [
        later - earlier
        for scene in chatted
        for (earlier, before), (later, line) in itertools.pairwise(script.moments(scene, today))
        if before.what != "." and line.text != "quiet"
    ]
    assert max(gaps) < script.QUIET


def test_lines_that_begin_with_spaces_go_on(tmp_path: Path):
    file = tmp_path / "week.txt"
    file.write_text(
        "# a comment\n\n== case: Roof | Ann | 1d 09:00 | - | Hana\n< Dear all,\n\n  it\n  leaks.\n. open\n"
    )
    scene = script.read(file)[0]
    assert (scene.subject, scene.contact, scene.agent) == ("Roof", "Ann", "Hana")
    assert [line.text for line in scene.lines] == ["Dear all,\n\nit leaks.", "open"]


def test_clock_stands_only_inside_its_context():
    moment = clock.now() - timedelta(days=3)
    with clock.telling_of(moment):
        assert clock.now() == moment
    assert clock.now() > moment + timedelta(days=2)
