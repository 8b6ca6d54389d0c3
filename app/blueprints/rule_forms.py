"""The form in which an admin composes a rule (R1 to R3): every button works without scripts.

Each answer is the whole form, with everything typed in it; nothing is saved but by Save. Scripts
take of it what changed. Reading and changing the form is `rule_drafts`, its words are `rule_words`.
"""

from dataclasses import dataclass, field

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app import transaction
from app.blueprints import rule_drafts, rule_previews, rule_words
from app.blueprints.access import admin_only, own_transaction
from app.blueprints.answers import go, wants_fragment
from app.blueprints.rule_drafts import Draft, Line
from app.blueprints.rule_fields import Fields, in_a_form
from app.blueprints.rule_previews import Told
from app.blueprints.rule_words import Grouped
from app.domain import hours
from app.domain.rules import book, definitions, overdue
from app.domain.rules.definitions import Definition, Invalid
from app.language import gettext as _
from app.models import Rule, RuleVersion

blueprint = Blueprint("rule_forms", __name__, url_prefix="/settings/rules")

LIST = "/settings/rules"
ONE = "/<int:rule_id>"
ABOUT_WHAT_HAPPENED = {"happened", "status_changed_from", "status_changed_to"}
WAITS = {
    "minutes_since_contact_message": _l("since the contact's last message"),
    "minutes_since_agent_message": _l("since an agent's last message"),
    "minutes_since_status_change": _l("since the status changed"),
    "minutes_since_created": _l("since the case was created"),
}


@dataclass(frozen=True)
class Newer:
    """What somebody else saved while the form was open: who and when, and how the rule reads now."""

    version: RuleVersion
    is_active: bool
    sentence: str
    state: str


@dataclass(frozen=True)
class Page:
    """What the form shows beside what was typed: mistakes by field, and the field to go on at."""

    draft: Draft
    fields: Fields
    sentence: str
    rule: Rule | None = None
    errors: dict[str, str] = field(default_factory=dict)
    focus: str = ""
    newer: Newer | None = None
    preview: Told | None = None
    is_part: bool = False

    @property
    def address(self) -> str:
        return f"{LIST}/{self.rule.id}" if self.rule else f"{LIST}/new"

    def condition_choices(self, line: Line) -> Grouped:
        """What this type of rule can ask for, and what is asked already."""
        hidden = set() if self.draft.type == "updated_case" else ABOUT_WHAT_HAPPENED
        return [
            (group, kept)
            for group, rows in rule_words.condition_choices()
            if (kept := [row for row in rows if row[0] not in hidden or row[0] == line.condition])
        ]

    def operator_choices(self, line: Line) -> list[tuple[str, str]]:
        """A time-based rule waits for one moment, which has a field of its own."""
        known = rule_words.operator_choices(line.condition)
        is_about_waiting = self.draft.waits and line.condition in rule_drafts.WAITS
        return [one for one in known if not (is_about_waiting and one[0] == "at_least")] or known

    @property
    def waits(self) -> list[tuple[str, str]]:
        """The moments from which a time-based rule can wait."""
        return [(name, str(label)) for name, label in WAITS.items()]

    @property
    def has_hours(self) -> bool:
        """Whether anybody has said when the team works; until then it always does."""
        return hours.of_team() is not None

    @property
    def types(self) -> list[tuple[str, str, str]]:
        return [(name, str(words[0]), str(words[1])) for name, words in rule_words.TYPES.items()]


@blueprint.get("/new")
@admin_only
def new() -> ResponseReturnValue:
    return _answer(rule_drafts.new(request.args.get("type", "")), None, focus="name")


@blueprint.get(ONE)
@admin_only
def show(rule_id: int) -> ResponseReturnValue:
    rule = _rule_or_404(rule_id)
    kept = definitions.kept(book.version_of(rule))
    draft = rule_drafts.of(kept, is_active=rule.is_active, opened=_state_of(rule))
    return _answer(draft, rule, errors=_mistakes(draft) if rule.off_reason else {})


@blueprint.post("/new")
@admin_only
@own_transaction
def create() -> ResponseReturnValue:
    return _posted(None)


@blueprint.post(ONE)
@admin_only
@own_transaction
def change(rule_id: int) -> ResponseReturnValue:
    return _posted(_rule_or_404(rule_id))


def _posted(rule: Rule | None) -> ResponseReturnValue:
    draft, do = rule_drafts.read(request.form), request.form.get("do", "")
    verb, _colon, state = do.partition(":")
    if verb in ("save", "save-anyway"):
        return _save(draft, rule, over=state)
    focus = rule_drafts.edit(draft, do) or ""
    # A script leaves the focus where it is when only fields beside it change.
    is_kept = wants_fragment() and do.startswith("refresh")
    return _answer(draft, rule, focus="" if is_kept else focus)


def _save(draft: Draft, rule: Rule | None, *, over: str) -> ResponseReturnValue:
    """`over` is the state of the rule that somebody has seen and saves over anyway."""
    transaction.start_writing()
    if rule:
        book.lock(rule)
    try:
        definition = definitions.read(draft.given())
    except Invalid as problem:
        return _answer(draft, rule, errors=_by_field(draft, problem)), 422
    if rule and _state_of(rule) not in (draft.opened, over) and not _is_saved(rule, definition, draft):
        return _answer(draft, rule, newer=_newer(rule)), 409
    try:
        saved = _keep(rule, definition, is_active=draft.is_active)
    except Invalid as problem:  # an address that nobody may call
        return _answer(draft, rule, errors=_by_field(draft, problem)), 422
    transaction.commit()
    if overdue.of_rule(saved).count:
        return go(f"{LIST}/{saved.id}/runs", _said(saved))  # which tells of them (R5)
    return go(LIST, _said(saved))


def _is_saved(rule: Rule, definition: Definition, draft: Draft) -> bool:
    """Whether this very form was saved before: somebody pressed twice."""
    is_same = book.version_of(rule).definition == definitions.as_text(definition)
    return is_same and rule.is_active == draft.is_active


def _keep(rule: Rule | None, definition: Definition, *, is_active: bool) -> Rule:
    """Save it; a new one that was saved a moment ago is that rule already."""
    rule = rule or book.just_added(definition, by=g.agent)
    if rule is None:
        return book.add(definition, by=g.agent, is_active=is_active)
    book.change(rule, definition, by=g.agent, is_active=is_active)
    return rule


def _newer(rule: Rule) -> Newer:
    version = book.version_of(rule)
    kept = definitions.kept(version)
    sentence = rule_words.sentence(kept, rule_words.names_of([kept]))
    return Newer(version, rule.is_active, sentence, _state_of(rule))


def _said(rule: Rule) -> str:
    if not rule.is_active:
        return _("Saved. The rule is switched off.")
    if book.is_paused():
        return _("Saved. It acts once the rules are switched on again: all of them are off now.")
    return _("Saved. The rule is in force from now on.")


def _answer(
    draft: Draft,
    rule: Rule | None,
    *,
    errors: dict[str, str] | None = None,
    focus: str = "",
    newer: Newer | None = None,
) -> str:
    """The form, as a whole page or as the part that a script puts in place."""
    definition = definitions.unchecked(draft.given())
    names = rule_words.names_of([definition])
    page = Page(
        draft,
        Fields(names),
        rule_words.sentence(definition, names),
        rule,
        errors or {},
        focus,
        newer,
        preview=rule_previews.told(draft, g.agent) if _wants_preview() else None,
        is_part=wants_fragment(),
    )
    template = "settings/rules/_form.html" if page.is_part else "settings/rules/edit.html"
    return render_template(template, page=page)


def _wants_preview() -> bool:
    """By its button, and from then on with every change."""
    return request.form.get("do") == "preview" or request.form.get("previewing") == "1"


def _mistakes(draft: Draft) -> dict[str, str]:
    """What is wrong with a rule that was saved: something it refers to is gone."""
    try:
        definitions.read(draft.given())
    except Invalid as problem:
        return _by_field(draft, problem)
    return {}


def _by_field(draft: Draft, problem: Invalid) -> dict[str, str]:
    """Mistakes by field."""
    return {
        draft.field_at(place): in_a_form(place, said, is_unchosen=draft.is_unchosen(place))
        for place, said in problem.errors.items()
    }


def _state_of(rule: Rule) -> str:
    """What was saved last, as the form remembers it while somebody types."""
    return f"{rule.version_id}-{int(rule.is_active)}"


def _rule_or_404(rule_id: int) -> Rule:
    return book.find(rule_id) or abort(404)
