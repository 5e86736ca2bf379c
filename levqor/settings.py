"""All settings of Levqor, read from the environment or `.env` through typed readers.

The names are documented in `.env.example`; the defaults suit a laptop. With DEBUG off a missing required name stops the
start with an error that names it.
"""

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from levqor.back_office import BACK_OFFICE
from levqor.beat import SCHEDULE
from levqor.lib.crash_reports import start_crash_reports
from levqor.lib.environment import Environment
from levqor.lib.logs import log_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

environ.Env.read_env(BASE_DIR / ".env", encoding="utf-8-sig")
env = Environment(os.environ)

# --- Core ---

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.required(
    "SECRET_KEY", unless="development-only-key-of-fifty-characters-and-some-more" if DEBUG else ""
)
SITE_URL = env.address("SITE_URL", "http://localhost:8000", with_path=False)
API_URL = env.address("NEXT_PUBLIC_API_URL", SITE_URL)
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", SITE_HOST])
if "*" in ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured("ALLOWED_HOSTS is '*'; with DEBUG off it takes the names under which this is reached.")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", [SITE_URL])
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", default=0)

ROOT_URLCONF = "levqor.urls"
WSGI_APPLICATION = "levqor.wsgi.application"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "levqor.site.errors.csrf_failure"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MAX_WEBHOOK_BYTES = 1_000_000

INSTALLED_APPS = [
    "levqor.desk",
    "levqor.site",
    "developer",
    "claims",
    "disputes",
    "levqor.cases",
    "billing",
    "legal",
    "status",
    "levqor.hooks",
    "levqor.accounts",
    "levqor.mail",
    "levqor.audit",
    "levqor.guard",
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
    "django.forms",
]

MIDDLEWARE = [
    "levqor.lib.middleware.HealthMiddleware",
    "status.lane.StatusLaneMiddleware",
    "levqor.lib.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "levqor.lib.middleware.CorsMiddleware",
    "levqor.lib.middleware.NeverCachedMiddleware",
    "levqor.lib.middleware.ProblemMiddleware",
    "levqor.lib.middleware.OptionsMiddleware",
    "levqor.lib.middleware.RefuseNulMiddleware",
    "levqor.lib.middleware.FastLaneMiddleware",
    "levqor.lib.middleware.ContentSecurityPolicyByPathMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "levqor.guard.middleware.AccessLogMiddleware",
    "levqor.lib.middleware.OtherEndingMiddleware",
    "levqor.guard.middleware.LimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "levqor.site.middleware.NotFoundMiddleware",
]

# Paths, and reads below paths, that machines call often and that need no session, template or access log: before all that.
FAST_LANE = {
    "/api/webhooks/stripe": "billing.webhooks.receive_stripe_event",
    "/api/status/health": "status.views.health",
    "/api/status/ready": "status.views.ready",
}
FAST_READS = ("/api/sandbox/",)
# What scripts of any origin may read, and what no cache may keep.
OPEN_TO_SCRIPTS = ("/api/sandbox/", "/api/status/", "/api/v2/", "/public/")
NEVER_CACHED = ("/api/sandbox/",)

# The OpenAPI document: the API whose operations it holds, and what describes the plain views beside it.
OPENAPI_API = "levqor.api.api"
OPENAPI_PARTS = ["status.openapi.describe"]

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

# --- The company: what its pages must say about it. An empty fact is left out, never made up. ---

COMPANY_NAME = env.text("COMPANY_NAME", "Levqor Ltd")
COMPANY_NUMBER = env.text("COMPANY_NUMBER")
REGISTERED_IN = env.text("REGISTERED_IN")
REGISTERED_OFFICE = env.text("REGISTERED_OFFICE")
VAT_NUMBER = env.text("VAT_NUMBER")

# --- Forms: one template for every form of the site ---

FORM_RENDERER = "levqor.lib.forms.SiteFormRenderer"

# --- Database: SQLite for a laptop, PostgreSQL in production ---

DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'levqor.db'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Without IMMEDIATE a read-then-write transaction fails at once with "database is locked" under concurrent writers.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    # Kept for the life of the thread: opening the file, and the checkpoint when its last user closes it, cost more than
    # most requests do.
    DATABASES["default"]["CONN_MAX_AGE"] = None
    # A file, not memory: the tests that race threads and kill processes need a database that both can open.
    VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.db")}
else:
    DATABASES["default"]["ENGINE"] = "levqor.lib.postgres"
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        # No process has more threads than connections, so who waits, waits for a database that is away. The pool must not
        # put its own attempts off for minutes then: the next request makes a new one.
        # What was opened while the database stood still is given back one at a time, within a minute after.
        "pool": {"min_size": 1, "max_size": 20, "max_idle": 5, "timeout": 3, "reconnect_timeout": 2},
        "connect_timeout": 5,
        # A database behind a network that drops packets must be noticed within seconds, not after the kernel's minutes.
        "tcp_user_timeout": 5000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        # What the address says itself (`?sslmode=require`) wins.
        **DATABASES["default"].get("OPTIONS", {}),
    }

# --- Celery: the database is the queue, Celery only wakes the work ---

REDIS_URL = env.redis("REDIS_URL")
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
    }
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "levqor.guard.cache.RedisOrDatabaseCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
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
    # In the database, since limits on guessing must hold over several web processes and outlive their restart.
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "guard_cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }

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
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = SCHEDULE

# --- Who may sign in ---

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/account"
ACCOUNT_ADAPTER = "levqor.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
MFA_ADAPTER = "levqor.accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "add_webauthn": "levqor.accounts.forms.AddKeyForm",
    "authenticate_webauthn": "levqor.accounts.forms.UseKeyForm",
    "login_webauthn": "levqor.accounts.forms.SignInByKeyForm",
    "reauthenticate_webauthn": "levqor.accounts.forms.ProveByKeyForm",
}
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
FORMAT_MODULE_PATH = "levqor.lib.formats"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Files that programs ask for at the root, named in no page: /favicon.ico, /apple-touch-icon.png.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
# Before collectstatic has run a page without its style is better than no page.
WHITENOISE_MANIFEST_STRICT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Stripe ---

STRIPE_SECRET_KEY = env.secret(
    "STRIPE_SECRET_KEY", r"(sk|rk)_(test|live)_\S+", looks_like="a key such as sk_test_… or rk_live_…"
)
STRIPE_WEBHOOK_SECRETS = env.items("STRIPE_WEBHOOK_SECRET", [])
STRIPE_API_BASE = env.address("STRIPE_API_BASE")
STRIPE_LIVEMODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
DUNNING_ENABLED = env.flag("DUNNING_ENABLED", default=True)
DUNNING_SUSPEND_AFTER_HOURS = env.number("DUNNING_SUSPEND_AFTER_HOURS", default=0, most=8760)
BILLING_PORTAL_URL = env.address("BILLING_PORTAL_URL", "https://billing.levqor.ai")

# --- Mail ---

FROM_EMAIL = env.email("FROM_EMAIL", "Levqor <billing@levqor.ai>", with_name=True)
SUPPORT_EMAIL = env.email("SUPPORT_EMAIL", "support@levqor.ai")
COMPLAINTS_EMAIL = env.email("COMPLAINTS_EMAIL", "complaints@levqor.ai")
SECURITY_EMAIL = env.email("SECURITY_EMAIL", SUPPORT_EMAIL)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = FROM_EMAIL
MAIL_DIR = VAR_DIR / "mail"
# So many mails are handed over at once by one pass of the outbox.
MAIL_LANES = 4
RESEND_API_KEY = env.secret("RESEND_API_KEY", r"\S+", looks_like="one word")
RESEND_SIGNING_SECRET = env.secret(
    "RESEND_SIGNING_SECRET", r"(whsec_)?[A-Za-z0-9+/]+=*", looks_like="base64 behind whsec_, as Resend shows it"
)
ANYMAIL: dict[str, Any] = {
    "RESEND_SIGNING_SECRET": RESEND_SIGNING_SECRET or None,
    "REQUESTS_TIMEOUT": (3, 10),
    "IGNORE_RECIPIENT_STATUS": True,
}
RESEND_API_URL = env.address("RESEND_API_URL", "https://api.resend.com")
if RESEND_API_KEY:
    MAILERS: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "levqor.mail.backends.ResendBackend",
            "OPTIONS": {"api_key": RESEND_API_KEY, "api_url": RESEND_API_URL + "/"},
        }
    }
else:
    MAILERS = {"default": {"BACKEND": "levqor.mail.backends.FolderBackend", "OPTIONS": {"folder": str(MAIL_DIR)}}}

# --- Status page ---

# Where each machine keeps the last snapshot it saw, for a start without a database.
STATUS_DIR = Path(env.text("STATUS_DIR") or VAR_DIR / "status")

# --- Limits ---

CASE_LIMIT_PER_NETWORK = env.number("CASE_LIMIT_PER_NETWORK", default=10)
CASE_LIMIT_PER_EMAIL = env.number("CASE_LIMIT_PER_EMAIL", default=3)

# --- Logs and errors ---

LOGGING = log_settings(env.choice("LOG_FORMAT", ("console", "json"), default="console"))
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
start_crash_reports(env.text("SENTRY_DSN"), environment="development" if DEBUG else "production")

# --- Admin ---

UNFOLD: dict[str, Any] = BACK_OFFICE
