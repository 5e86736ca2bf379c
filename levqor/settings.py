"""All settings of Levqor, read from the environment or `.env` through typed readers.

The names are documented in `.env.example`; the defaults suit a laptop. With DEBUG off a missing required name stops the
start with an error that names it.
"""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import sentry_sdk
import structlog
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def required(name: str, *, development: str) -> str:
    """The value of `name`; with DEBUG on `development` serves where it is missing."""
    value = str(env.str(name, default=""))
    if value:
        return value
    if DEBUG:
        return development
    raise ImproperlyConfigured(f"Set {name} in the environment: it is required when DEBUG is off.")


def comma_list(name: str, *, default: list[str]) -> list[str]:
    """The comma-separated values of `name`, without blanks around them and without empty ones."""
    return [item for raw in env.list(name, default=default) if (item := raw.strip())]


# --- Core ---

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", development="development-only-key-of-fifty-characters-and-some-more")
SITE_URL = str(env.str("SITE_URL", default="http://localhost:8000")).rstrip("/")
API_URL = str(env.str("NEXT_PUBLIC_API_URL", default=SITE_URL)).rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
ALLOWED_HOSTS = comma_list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", SITE_HOST])
CSRF_TRUSTED_ORIGINS = comma_list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

ROOT_URLCONF = "levqor.urls"
WSGI_APPLICATION = "levqor.wsgi.application"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "levqor.site.errors.csrf_failure"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MAX_WEBHOOK_BYTES = 1_000_000

INSTALLED_APPS = [
    "levqor.desk",
    "levqor.site",
    "billing",
    "levqor.accounts",
    "levqor.mail",
    "levqor.audit",
    "levqor.lib",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_structlog",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
]

MIDDLEWARE = [
    "levqor.lib.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "levqor.lib.middleware.RequestIdMiddleware",
    "levqor.lib.middleware.FastLaneMiddleware",
    "levqor.lib.middleware.ContentSecurityPolicyByPathMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "levqor.lib.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

# Paths that machines call often and that need no session, no template and no access log: answered before all of that.
FAST_LANE = {"/api/webhooks/stripe": "billing.webhooks.receive_stripe_event"}

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "levqor.site.context.site",
            ],
        },
    }
]

# --- Database: SQLite for a laptop, PostgreSQL in production ---

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'levqor.db'}"),
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Without IMMEDIATE a read-then-write transaction fails at once with "database is locked" under concurrent writers.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    # A file, not memory: the tests that race threads and kill processes need a database that both can open.
    VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.db")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 20, "timeout": 10}, "connect_timeout": 5}

# --- Celery: the database is the queue, Celery only wakes the work ---

REDIS_URL = str(env.str("REDIS_URL", default=""))
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    BROKER_DIR = VAR_DIR / "broker"
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
    }
    for folder in ("queue", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_SOFT_TIME_LIMIT = 200
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "Stripe event inbox": {
        "task": "billing.process_stripe_events",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 30},
    },
    "Billing dunning processor": {
        "task": "billing.send_due_steps",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 120},
    },
    "Stripe reconciliation": {
        "task": "billing.reconcile",
        "schedule": timedelta(minutes=15),
        "options": {"expires": 900},
    },
    "Mail outbox": {"task": "mail.deliver_due", "schedule": timedelta(seconds=10), "options": {"expires": 60}},
    "Audit seal": {"task": "audit.seal_entries", "schedule": timedelta(seconds=30), "options": {"expires": 60}},
    "Audit verification": {
        "task": "audit.verify",
        "schedule": crontab(hour=3, minute=20),
        "options": {"expires": 3600},
    },
}

# --- Who may sign in ---

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "levqor.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Levqor"
# Browsers accept passkeys on http://localhost alone; anywhere else they ask for HTTPS themselves.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG

# --- Transport security: on as soon as the public address is https ---

HTTPS = SITE_URL.startswith("https://")
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
# Unfold's Alpine needs eval and its widgets set style attributes; both are granted under /admin/ and nowhere else.
ADMIN_CSP: dict[str, list[str]] = SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "frame-src": [CSP.SELF],
}

# --- Language, time, static files ---

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Stripe ---

STRIPE_SECRET_KEY = str(env.str("STRIPE_SECRET_KEY", default=""))
STRIPE_WEBHOOK_SECRETS = comma_list("STRIPE_WEBHOOK_SECRET", default=[])
STRIPE_API_BASE = str(env.str("STRIPE_API_BASE", default=""))
STRIPE_LIVEMODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
DUNNING_ENABLED = env.bool("DUNNING_ENABLED", default=True)
DUNNING_SUSPEND_AFTER_HOURS = env.int("DUNNING_SUSPEND_AFTER_HOURS", default=0)
BILLING_PORTAL_URL = str(env.str("BILLING_PORTAL_URL", default="https://billing.levqor.ai"))

# --- Mail ---

FROM_EMAIL = str(env.str("FROM_EMAIL", default="Levqor <billing@levqor.ai>"))
SUPPORT_EMAIL = str(env.str("SUPPORT_EMAIL", default="support@levqor.ai"))
COMPLAINTS_EMAIL = str(env.str("COMPLAINTS_EMAIL", default="complaints@levqor.ai"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = FROM_EMAIL
MAIL_DIR = VAR_DIR / "mail"
RESEND_API_KEY = str(env.str("RESEND_API_KEY", default=""))
RESEND_SIGNING_SECRET = str(env.str("RESEND_SIGNING_SECRET", default=""))
ANYMAIL: dict[str, Any] = {
    "RESEND_SIGNING_SECRET": RESEND_SIGNING_SECRET or None,
    "REQUESTS_TIMEOUT": (3, 10),
    "IGNORE_RECIPIENT_STATUS": True,
}
if RESEND_API_KEY:
    MAILERS: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "levqor.mail.backends.ResendBackend",
            "OPTIONS": {
                "api_key": RESEND_API_KEY,
                "api_url": str(env.str("RESEND_API_URL", default="https://api.resend.com/")),
            },
        }
    }
else:
    MAILERS = {"default": {"BACKEND": "levqor.mail.backends.FolderBackend", "OPTIONS": {"folder": str(MAIL_DIR)}}}

# --- Limits ---

CASE_LIMIT_PER_NETWORK = env.int("CASE_LIMIT_PER_NETWORK", default=10)
CASE_LIMIT_PER_EMAIL = env.int("CASE_LIMIT_PER_EMAIL", default=3)

# --- Logs and errors ---

LOG_FORMAT = str(env.str("LOG_FORMAT", default="console"))
if LOG_FORMAT not in {"console", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it takes console or json.")
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
SHARED_LOG_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": SHARED_LOG_PROCESSORS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if LOG_FORMAT == "json" else []),
                structlog.processors.JSONRenderer() if LOG_FORMAT == "json" else structlog.dev.ConsoleRenderer(),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        *SHARED_LOG_PROCESSORS[1:],
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
SENTRY_DSN = str(env.str("SENTRY_DSN", default=""))
if SENTRY_DSN:
    sentry_sdk.init(dsn=SENTRY_DSN, send_default_pii=False)

# --- Admin ---

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Levqor",
    "SITE_HEADER": "Levqor back office",
    "SITE_SYMBOL": "shield",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "levqor.desk.dashboard.add_figures",
    "STYLES": ["levqor.desk.menu.stylesheet"],
    "SIDEBAR": {"show_search": False, "navigation": "levqor.desk.menu.navigation"},
    "COLORS": {
        "primary": {
            "50": "oklch(97.3% .016 184)",
            "100": "oklch(94.2% .039 184)",
            "200": "oklch(88.4% .071 184)",
            "300": "oklch(80.2% .099 185)",
            "400": "oklch(70.6% .112 186)",
            "500": "oklch(60.4% .105 188)",
            "600": "oklch(50.4% .088 190)",
            "700": "oklch(43.2% .075 192)",
            "800": "oklch(37.2% .062 194)",
            "900": "oklch(31.8% .051 197)",
            "950": "oklch(23.6% .042 200)",
        },
    },
}
