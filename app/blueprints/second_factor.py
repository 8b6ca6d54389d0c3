"""One's own second factor: set up with an app, new recovery codes, switched off.

Each change asks for the password once more, so that an unlocked screen is not enough. Until the
first right code the seed waits in the browser's cookie, encrypted, and is in no database.
"""

from cryptography.fernet import InvalidToken
from flask import Blueprint, flash, g, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from app import encryption, transaction
from app.blueprints import account
from app.blueprints.access import newcomers_too, own_transaction, signed_in
from app.blueprints.auth import end_session, hashed, start_session
from app.domain import second_factors
from app.domain.agents import Refused
from app.language import gettext as _

blueprint = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")


@blueprint.get("")
@newcomers_too
def index() -> ResponseReturnValue:
    """The QR code for the app, and the same as text."""
    if g.agent.has_second_factor:
        return redirect(account.PAGE, 303)
    return _page(_waiting_seed())


@blueprint.post("")
@own_transaction
@newcomers_too
def set_up() -> ResponseReturnValue:
    """Prove that app and password are at hand, then show the recovery codes, this once."""
    seed, agent_id, known_hash = _waiting_seed(), g.agent.id, g.agent.password_hash
    step = second_factors.step_of(seed, request.form.get("code", ""))
    if step is None:
        error = _("This code does not fit. Type the one that your app shows now; its clock must be right.")
        return _page(seed, {"code": error}), 422
    transaction.release()
    if error := account.doubt(agent_id, request.form.get("current", ""), known_hash):
        return _page(seed, {"current": error}), 422
    codes, hashes = _new_codes()
    agent = account.still(agent_id, known_hash)
    end_session()
    try:
        second_factors.switch_on(agent, seed=seed, step=step, code_hashes=hashes)
    except Refused:
        return redirect(account.PAGE, 303)
    start_session(agent)
    transaction.commit()
    return render_template("auth/recovery_codes.html", codes=codes)


@blueprint.post("/recovery-codes")
@own_transaction
@signed_in
def renew_codes() -> ResponseReturnValue:
    """Ten new codes, shown this once; the old ones are worth nothing."""
    agent_id, known_hash = g.agent.id, g.agent.password_hash
    if not g.agent.has_second_factor:
        return redirect(account.PAGE, 303)
    transaction.release()
    if error := account.doubt(agent_id, request.form.get("factor_current", ""), known_hash):
        return account.page(errors={"factor_current": error}), 422
    codes, hashes = _new_codes()
    agent = account.still(agent_id, known_hash)
    end_session()
    second_factors.renew_recovery_codes(agent, hashes)
    start_session(agent)
    transaction.commit()
    return render_template("auth/recovery_codes.html", codes=codes)


@blueprint.post("/removal")
@own_transaction
@signed_in
def remove() -> ResponseReturnValue:
    agent_id, known_hash = g.agent.id, g.agent.password_hash
    transaction.release()
    if error := account.doubt(agent_id, request.form.get("factor_current", ""), known_hash):
        return account.page(errors={"factor_current": error}), 422
    agent = account.still(agent_id, known_hash)
    end_session()
    second_factors.remove(agent, by=agent)
    start_session(agent)
    transaction.commit()
    flash(_("Your second factor is switched off. You are signed out everywhere else."))
    return redirect(account.PAGE, 303)


def _waiting_seed() -> str:
    """What the app shall be told. The same for every look, so that a reload makes no second QR code."""
    try:
        return encryption.decrypt(session["seed"])
    except (KeyError, InvalidToken):
        seed = second_factors.new_seed()
        session["seed"] = encryption.encrypt(seed)
        return seed


def _new_codes() -> tuple[list[str], list[str]]:
    """Recovery codes as they are shown, and as they are kept."""
    codes = second_factors.new_recovery_codes()
    return codes, [hashed(second_factors.normal_recovery_code(code)) for code in codes]


def _page(seed: str, errors: dict[str, str] | None = None) -> str:
    side, path = _qr_code(second_factors.address(g.agent, seed))
    return render_template(
        "auth/second_factor.html",
        seed=" ".join(seed[start : start + 4] for start in range(0, len(seed), 4)),
        side=side,
        path=path,
        is_owed=g.session.owes_second_factor,
        errors=errors or {},
    )


def _qr_code(text: str) -> tuple[int, str]:
    """How many squares it is wide, with the quiet ones around it, and the dark ones as an SVG path."""
    import segno

    rows = list(segno.make_qr(text, error="m").matrix_iter(border=4))
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return len(rows), "".join(dark)
