"""Mado's application factory: configuration, extensions, channels, blueprints, on one screen.

Its imports stand inside, because gunicorn's master process imports this package for its worker
class and must not carry the application too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Config

PARTS = ("schema", "domain.rules.engine", "domain.distribution", "security", "templating", "cli", "blueprints.access", "live.service", "background")
LARGEST_FORM_BYTES = 2 * 1024 * 1024


def create_app(config: Config | None = None) -> Flask:
    """A Mado. Without a config the environment is read; a wrong one raises ConfigError."""
    from flask import Flask

    from app import compiling, encryption, extensions
    from app import config as configuration

    config = config or configuration.from_environment()
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    encryption.use(list(config.secret_keys))
    app = Flask(__name__)
    app.jinja_environment = compiling.WithSharedGlobals
    app.url_map.converters["int"] = _id_converter()
    app.config.update(_flask_config(config))
    app.extensions["mado"] = config
    extensions.init_app(app)
    for part in PARTS:
        importlib.import_module(f"app.{part}").init_app(app)
    _register_blueprints(app)
    for outermost in ("webhooks", "requests"):  # in front of all of it
        importlib.import_module(f"app.{outermost}").init_app(app)
    return app


def _flask_config(config: Config) -> dict[str, object]:
    return {
        "SECRET_KEY": config.secret_keys[0],
        "SECRET_KEY_FALLBACKS": list(config.secret_keys[1:]),
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": config.engine_options,
        "MAX_CONTENT_LENGTH": LARGEST_FORM_BYTES,
        "MAX_FORM_MEMORY_SIZE": LARGEST_FORM_BYTES,
        "SESSION_COOKIE_NAME": "__Host-mado" if config.is_https else "mado",
        "SESSION_COOKIE_SECURE": config.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # A slow answer that changed nothing must not put an older cookie over a newer one: what
        # was to be said on the next page would be lost. Sessions end by the database, not by it.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "TESTING": config.is_testing,
    }


def _id_converter() -> type:
    """A number in a path that no row can have finds no route: 404 on both engines."""
    from werkzeug.routing import IntegerConverter

    from app.models import LARGEST_ID

    class Id(IntegerConverter):
        def __init__(self, map_: object, **options: object) -> None:
            super().__init__(map_, **{"max": LARGEST_ID} | options)  # type: ignore[arg-type]

    return Id


def _register_blueprints(app: Flask) -> None:
    """Every module in `blueprints/` with a `blueprint`, and what each channel's folder brings."""
    import pkgutil

    from flask import Blueprint

    from app import blueprints
    from app.channels import registry

    for found in pkgutil.iter_modules(blueprints.__path__, prefix="app.blueprints."):
        blueprint = getattr(importlib.import_module(found.name), "blueprint", None)
        if isinstance(blueprint, Blueprint):
            app.register_blueprint(blueprint)
    for kind in registry.discover().values():
        for blueprint in kind.blueprints:
            app.register_blueprint(blueprint)
