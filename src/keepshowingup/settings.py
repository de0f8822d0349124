"""All settings, read from the environment once. A wrong value stops the start with a sentence."""

from __future__ import annotations

import logging
import math
import os
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE

from keepshowingup.core.clock import keep_clock, parse_rate
from keepshowingup.core.errors import PartMissing, WrongUsage
from keepshowingup.delivery.transports.config import read_transports

env = environ.Env()
HERE = Path(__file__).resolve().parent
ON, OFF = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


def _number(name: str, default: float, least: float) -> float:
    """A variable that counts something; what is no number, or too small, stops the start."""
    said = env.str(name, default=str(default))
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if not least <= number < math.inf:
        raise WrongUsage(f"{name} is '{said}'. Write a number, {least:g} or more.")
    return number


def _whole(name: str, default: int, least: int = 1) -> int:
    """A variable that counts whole things."""
    number = _number(name, default, least)
    if number != int(number):
        raise WrongUsage(f"{name} is {number:g}. Write a whole number.")
    return int(number)


def _switch(name: str) -> bool:
    """A variable that is on or off: a word nobody understands must not quietly mean off."""
    said = env.str(name, default="")
    if said.strip().lower() not in ON | OFF:
        raise WrongUsage(f"{name} is '{said}'. Write 1 or 0.")
    return said.strip().lower() in ON


# --- where things are ---

DATA_DIR = Path(env.str("KSU_DATA_DIR", default="var")).resolve()
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
except OSError as error:
    raise PartMissing(f"The data folder {DATA_DIR} can't be made: {error.strerror}. Set KSU_DATA_DIR.") from error
BASE_URL = env.str("KSU_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
PRODUCTION = _switch("KSU_PRODUCTION")
DEBUG = False

CLOCK = keep_clock(DATA_DIR / "clock.json", parse_rate(env.str("KSU_CLOCK", default="")))
TICK_SECONDS = _number("KSU_TICK", 2, least=0.1)


def _secret(name: str) -> str:
    """A variable, or the content of the file that ``<name>_FILE`` names; empty when there is neither."""
    if value := env.str(name, default=""):
        return str(value)
    named = env.str(f"{name}_FILE", default="")
    try:
        return Path(named).read_text().strip() if named else ""
    except OSError as error:
        raise PartMissing(f"{name}_FILE names {named}, which can't be read: {error.strerror}.") from error


def _secret_key() -> str:
    """``KSU_SECRET_KEY`` or its file, or outside production one made on first start."""
    if key := _secret("KSU_SECRET_KEY"):
        return key
    if PRODUCTION:
        raise PartMissing("KSU_SECRET_KEY is not set. In production give a key of your own, 50 random characters.")
    kept = DATA_DIR / "secret-key"
    try:
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    # A process that lost the race may look before the winner has written.
    for _ in range(50):
        if key := kept.read_text():
            return key
        time.sleep(0.01)
    raise PartMissing(f"{kept} is empty. Remove it and start again, or set KSU_SECRET_KEY.")


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = env.list("KSU_SECRET_KEY_FALLBACKS", default=[])
if PRODUCTION and len(SECRET_KEY) < 32:
    raise PartMissing("KSU_SECRET_KEY is shorter than 32 characters. Make one: openssl rand -base64 48")

_host = urlsplit(BASE_URL).hostname or ""
if not _host:
    raise WrongUsage(f"KSU_BASE_URL is '{BASE_URL}'. Write it like https://letters.example.org")
ALLOWED_HOSTS = [_host, "127.0.0.1", "localhost", "[::1]", *env.list("KSU_ALLOWED_HOSTS", default=[])]
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_FAILURE_VIEW = "keepshowingup.web.staff.stale.stale_form"

# --- parts ---

DATABASE_URL = _secret("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'keepshowingup.sqlite3'}"
if not DATABASE_URL.startswith(("sqlite:///", "postgres://", "postgresql://")):
    raise WrongUsage("DATABASE_URL must start with sqlite:/// or postgres://")
try:
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
except ValueError as error:
    raise WrongUsage("DATABASE_URL has a port that is no number. Write special characters as %XX.") from error
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # DEFERRED transactions that turn into writers fail with "database is locked" however long the time-out.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # With NORMAL a power cut takes back what was committed last: a claim, and the letter would go out again.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    _set_if_unsaid = DATABASES["default"].setdefault("OPTIONS", {}).setdefault
    _set_if_unsaid("connect_timeout", 5)
    # A host that is cut off hears nothing: without these a worker would wait for a quarter of an hour and longer, and
    # PostgreSQL would keep the locks of a host that is gone for two hours. In seconds; the last two in milliseconds.
    _set_if_unsaid("keepalives_idle", 15)
    _set_if_unsaid("keepalives_interval", 5)
    _set_if_unsaid("keepalives_count", 3)
    _set_if_unsaid("tcp_user_timeout", 30_000)
    _set_if_unsaid(
        "options",
        "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
        " -c tcp_user_timeout=30000 -c idle_in_transaction_session_timeout=15000",
    )

REDIS_URL = _secret("REDIS_URL")
SMTP_URL = _secret("SMTP_URL")
_transports = env.str("KSU_TRANSPORTS", default="")
TRANSPORTS = read_transports(Path(_transports), os.environ) if _transports else None
MAILBOX_SMTP_PORT = _whole("KSU_MAILBOX_SMTP_PORT", 1025)
MAILBOX_WEB_PORT = _whole("KSU_MAILBOX_WEB_PORT", 8025)

# --- promises that can be turned ---

LEASE_SECONDS = _number("KSU_LEASE", 60, least=1)
BATCH_SIZE = _whole("KSU_BATCH", 500)
CONNECTIONS = _whole("KSU_CONNECTIONS", 8)
DOMAIN_REST_SECONDS = _number("KSU_DOMAIN_REST", 300, least=1)
UNKNOWN_POLICY = env.str("KSU_UNKNOWN", default="hold")
MAX_PER_DAY = _whole("KSU_MAX_PER_DAY", 1)
MAX_PER_WEEK = _whole("KSU_MAX_PER_WEEK", 3)
if UNKNOWN_POLICY not in {"hold", "resend"}:
    raise WrongUsage(f"KSU_UNKNOWN is '{UNKNOWN_POLICY}'. Write hold or resend.")

# --- signing (DKIM): one key for the From domain; without one, the relay signs ---

DKIM_DOMAIN = env.str("KSU_DKIM_DOMAIN", default="")
DKIM_SELECTOR = env.str("KSU_DKIM_SELECTOR", default="ksu")
DKIM_KEY_FILE = env.str("KSU_DKIM_KEY_FILE", default="")
DKIM_ED25519_KEY_FILE = env.str("KSU_DKIM_ED25519_KEY_FILE", default="")

# --- doors for machines: closed until they have a secret ---

API_TOKEN = _secret("KSU_API_TOKEN")
WEBHOOK_SECRET = _secret("KSU_WEBHOOK_SECRET")
# Providers' webhooks: ANYMAIL_WEBHOOK_SECRET, ANYMAIL_POSTAL_WEBHOOK_KEY and so on, as django-anymail names them.
ANYMAIL = {
    name.removeprefix("ANYMAIL_").removesuffix("_FILE"): _secret(name.removesuffix("_FILE"))
    for name in os.environ
    if name.startswith("ANYMAIL_")
}

# --- django ---

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "keepshowingup.apps.KeepShowingUpConfig",
    "keepshowingup.store.apps.StoreConfig",
    "keepshowingup.logbook.apps.LogbookConfig",
    "keepshowingup.editorial.apps.EditorialConfig",
    "keepshowingup.audience.apps.AudienceConfig",
    "keepshowingup.cadence.apps.CadenceConfig",
    "keepshowingup.delivery.apps.DeliveryConfig",
    "keepshowingup.outcomes.apps.OutcomesConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "keepshowingup.web.privacy.PrivateByDefault",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "keepshowingup.urls"
WSGI_APPLICATION = "keepshowingup.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LOCALE_PATHS = [HERE / "web" / "locale"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "web" / "static"]
STATIC_ROOT = Path(env.str("KSU_STATIC_DIR", default=str(DATA_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns about a folder that is not there
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "/staff/login/"
LOGIN_REDIRECT_URL = "/staff/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "keepshowingup.web.staff.accounts.NobodySignsUp"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_LOGOUT_REDIRECT_URL = "/staff/"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION

# --- privacy and security of pages ---

# Where "Leave this page" leads: somewhere nobody would wonder about.
QUICK_EXIT_URL = env.str("KSU_EXIT_URL", default="https://www.wikipedia.org/")

SECURE_HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _switch("KSU_BEHIND_PROXY") else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        # A nonce is in the answer only where a page asks for one: the letter editor writes its own style element.
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- logs: ids only, no addresses ---

LOG_LEVEL = env.str("KSU_LOG_LEVEL", default="INFO")
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise WrongUsage(f"KSU_LOG_LEVEL is '{LOG_LEVEL}'. Write DEBUG, INFO, WARNING or ERROR.")
LOG = env.str("KSU_LOG", default="text")
if LOG not in {"text", "json"}:
    raise WrongUsage(f"KSU_LOG is '{LOG}'. Write text or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "keepshowingup.ops.log_lines.chosen"}},
    "handlers": {"stderr": {"class": "keepshowingup.ops.log_lines.Lines", "formatter": "line"}},
    "loggers": {
        # Whatever handlers a library brings, its lines leave by ours: there addresses are taken out.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "propagate": True},
        # Two lines for every tick say nothing; what goes wrong is still written.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
