"""The words of the page's language, found out once a request.

flask-babel asks for it anew with every sentence, and a page has a hundred.
"""

from babel.support import NullTranslations
from flask import g
from flask_babel import get_translations


def translations() -> NullTranslations:
    """Of the current request's language; of the source texts where there is no context.

    Who changes the language within a context must forget `g.translations`.
    """
    try:
        kept = g._get_current_object()
    except RuntimeError:
        return get_translations()
    try:
        return kept.translations
    except AttributeError:
        kept.translations = get_translations()
        return kept.translations


def gettext(message: str, **values: object) -> str:
    """This sentence in the page's language, with its `%(name)s` filled in."""
    said = translations().ugettext(message)
    return said % values if values else said
