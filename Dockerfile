FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
WORKDIR /app
RUN useradd --system --create-home levqor && pip install --no-cache-dir uv
COPY requirements.txt ./
RUN uv venv --quiet .venv && uv pip sync --quiet --require-hashes --compile-bytecode requirements.txt
COPY --chown=levqor:levqor . .
RUN mkdir -p var/status && chown levqor:levqor /app var var/status
USER levqor
RUN DEBUG=false SECRET_KEY=only-for-collectstatic python manage.py collectstatic --noinput
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
# The line of the Procfile; exec, so that signals reach the server.
CMD ["sh", "-c", "exec granian --interface wsgi --host ${HOST:-0.0.0.0} --port ${PORT:-8000} --workers ${WEB_CONCURRENCY:-1} --blocking-threads 16 --workers-kill-timeout 10 levqor.wsgi:application"]
