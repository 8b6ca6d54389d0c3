"""Roundup's own WSGI handler, with the tracker kept open, as its frontends/wsgi.py says."""

import os

from roundup.cgi.wsgi_handler import RequestDispatcher

app = RequestDispatcher(os.environ["TRACKER"], feature_flags={"cache_tracker": ""})
app.tracker.config["TRACKER_WEB"] = f"http://127.0.0.1:{os.environ['PORT']}/"
