# The dependencies, checked against their hashes, in an environment of their own.
FROM python:3.13-slim AS dependencies
WORKDIR /app
RUN python -m venv /opt/venv
COPY requirements.lock .
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock

# The bot, as a user who may write nowhere but /app/data. Settings come from outside; no secret is in here.
FROM python:3.13-slim
RUN groupadd --system --gid 10001 bot \
    && useradd --system --uid 10001 --gid bot --no-create-home --shell /usr/sbin/nologin bot \
    && install -d -o bot -g bot -m 0700 /app/data
WORKDIR /app
COPY --from=dependencies /opt/venv /opt/venv
COPY bot.py ./
COPY cogs ./cogs
COPY fileflare_bot ./fileflare_bot
RUN python -m compileall -q bot.py cogs fileflare_bot
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 METRICS_PORT=9090
USER 10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-m", "fileflare_bot.healthcheck"]
ENTRYPOINT ["python", "bot.py"]
