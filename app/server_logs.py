"""Gunicorn's own lines in the form of ours. It has no access log: see `requests`."""

import logging
import os

from gunicorn.config import Config
from gunicorn.glogging import Logger

from app import logs


class ServerLogs(Logger):
    def setup(self, cfg: Config) -> None:
        """Before the application is there: what is wrong with LOG_FORMAT is for it to say."""
        super().setup(cfg)
        # At DEBUG it tells every request's address, and some of these are secrets.
        self.error_log.setLevel(max(self.loglevel, logging.INFO))
        form = (os.environ.get("LOG_FORMAT") or "plain").lower()
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.FORMS.get(form, logs.Plain)())
