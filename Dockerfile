FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
WORKDIR /app
RUN useradd --system --create-home levqor && pip install --no-cache-dir uv
COPY requirements.txt ./
RUN uv venv --quiet .venv && uv pip sync --quiet --require-hashes requirements.txt
COPY --chown=levqor:levqor . .
RUN mkdir -p var && chown levqor:levqor /app var
USER levqor
RUN DEBUG=false SECRET_KEY=only-for-collectstatic python manage.py collectstatic --noinput
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--blocking-threads", "16", "levqor.wsgi:application"]
