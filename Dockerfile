# Mado's image, for its web processes and its scheduler alike: the command says which (compose.yaml).
# Commands beside it, `db upgrade` or `backup create` say, are run with the same image.
FROM python:3.11-slim-bookworm

# pg_dump and its like for backups. With ffmpeg films get pictures and lengths, and the image 400 MB more:
#   docker build --build-arg PACKAGES="postgresql-client ffmpeg" .
ARG PACKAGES=postgresql-client
RUN apt-get update \
    && apt-get install -y --no-install-recommends $PACKAGES \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/mado
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt
COPY gunicorn.conf.py scheduler.py wsgi.py ./
COPY migrations migrations
COPY app app
RUN python -m compileall -q app scheduler.py wsgi.py

# The code stays root's: what runs it can't change it.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mado \
    && install -d -o mado -g mado -m 0700 /var/lib/mado
USER 10001

ENV DATA_DIR=/var/lib/mado HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2
VOLUME /var/lib/mado
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]

# Everything in one process, on SQLite.
CMD ["python", "wsgi.py"]
