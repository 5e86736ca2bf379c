"""The WSGI application that Granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

django_application = get_wsgi_application()

# Both need the settings and apps that get_wsgi_application has loaded. Only where pages are served: shells, workers and
# beat keep no status memory.
from levqor.lib.bodies import WithLengths  # noqa: E402
from status import watcher  # noqa: E402

application = WithLengths(django_application)

watcher.start()
