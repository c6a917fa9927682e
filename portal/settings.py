"""Every setting of the portal, read from the environment, loud when something is missing.

`docs/own-servers.md` lists the variables. Nothing else in the project reads the environment.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def required(name: str) -> str:
    """Value of an environment variable that has no default."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It has no default; docs/own-servers.md says what it holds.")
    return value


ASSAY_ENV = required("ASSAY_ENV")
if ASSAY_ENV not in {"production", "demo", "test"}:
    raise ImproperlyConfigured(f"ASSAY_ENV must be production, demo or test, got {ASSAY_ENV!r}.")
PRODUCTION = ASSAY_ENV == "production"

SECRET_KEY = required("ASSAY_SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.list("ASSAY_ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
# Files go to disk as they come, hashed and limited in size, whatever their size.
FILE_UPLOAD_HANDLERS = ["web.uploads.HashedUpload"]
CSRF_TRUSTED_ORIGINS = env.list("ASSAY_TRUSTED_ORIGINS", default=[])

# --- the bank -----------------------------------------------------------------------------------
BANK_NAME = env.str("ASSAY_BANK_NAME", default="Harbour Bank" if ASSAY_ENV == "demo" else "The bank")
# Whom people who cannot sign in call: "the service desk, extension 4444".
HELP_CONTACT = env.str("ASSAY_HELP_CONTACT", default="your bank’s service desk")
BANK_TIME_ZONE = env.str("ASSAY_BANK_TIME_ZONE", default="Europe/London")

# --- services -----------------------------------------------------------------------------------
DATABASE_URL = required("DATABASE_URL")
MIGRATOR_DATABASE_URL = env.str("MIGRATOR_DATABASE_URL", default="")
BOOTSTRAP_DATABASE_URL = env.str("BOOTSTRAP_DATABASE_URL", default="")
BROKER_URL = required("BROKER_URL")
MLFLOW_TRACKING_URI = env.str("MLFLOW_TRACKING_URI", default="")
ARTEFACT_ROOT = Path(required("ASSAY_ARTEFACT_ROOT"))


def log_root(text: str) -> tuple[str, Path]:
    """A folder that logs may lie in and the code of the unit whose models it serves, '' for the whole bank."""
    unit, is_of_unit, folder = text.partition("=")
    return (unit.strip(), Path(folder.strip())) if is_of_unit else ("", Path(text.strip()))


LOG_ROOTS = [log_root(text) for text in env.list("ASSAY_LOG_ROOTS", default=[])]

if PRODUCTION:
    if BROKER_URL.startswith("filesystem:"):
        raise ImproperlyConfigured("BROKER_URL: the filesystem broker is for the demo; set a Redis URL.")
    if SECRET_KEY.startswith("demo-"):
        raise ImproperlyConfigured("ASSAY_SECRET_KEY: this is the demo's key; set one of your own.")
    if env.bool("ASSAY_EMBEDDED_DATABASE", default=False):
        raise ImproperlyConfigured("The embedded database is for the demo; set DATABASE_URL to your own.")


def database(url: str) -> dict:
    """One PostgreSQL connection; the audit schema is reached by its name, never by the search path."""
    parsed = environ.Env.db_url_config(url)
    if parsed["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL 15 or newer: postgres://…")
    return parsed | {
        "ATOMIC_REQUESTS": False,  # services open their own transaction; a page must not hold one
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # What the URL says of its own, ?sslmode=verify-full for one, goes on top.
        "OPTIONS": {"application_name": "assay", "connect_timeout": 5} | parsed.get("OPTIONS", {}),
    }


DATABASES = {"default": database(DATABASE_URL)}
if MIGRATOR_DATABASE_URL:
    DATABASES["migrator"] = database(MIGRATOR_DATABASE_URL)

# --- audit --------------------------------------------------------------------------------------
AUDIT_ORIGIN = env.str("ASSAY_LOG_ORIGIN", default=f"assay.invalid/{'demo' if not PRODUCTION else 'log'}")
CHECKPOINT_KEY_FILE = env.str("ASSAY_CHECKPOINT_KEY_FILE", default="")
CHECKPOINT_FILE = env.str("ASSAY_CHECKPOINT_FILE", default="")  # append-only copy of every checkpoint
WITNESS_URLS = env.list("ASSAY_WITNESS_URLS", default=[])
WITNESS_KEYS = env.list("ASSAY_WITNESS_KEYS", default=[])  # their public keys, as signed-note verifier keys

# --- Django -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "portal",
    *([] if PRODUCTION else ["demo"]),
    "monitoring",
    "inventory",
    "proposals",
    "jobs",
    "accounts",
    "audit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "axes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.SignInFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.origin_of_change",
    "portal.middleware.StorableAddresses",
    "portal.middleware.MethodPages",
    "portal.middleware.RefusalPages",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.frame",
            ],
            "builtins": ["portal.templatetags.assay"],
        },
    }
]

AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.ActiveAccountBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"

SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("ASSAY_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("ASSAY_BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"

from django.utils.csp import CSP  # noqa: E402  (needs nothing above, reads better beside its use)

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src-elem": [CSP.SELF, CSP.NONCE],
    # plotly sets style attributes on its own SVG; attributes cannot carry a nonce.
    "style-src-attr": [CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "frame-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("ASSAY_STATIC_ROOT", default=str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ASSAY_ENV == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Celery: a message carries only an id; messages may be lost, rows may not ---------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1_500_000  # kB: a child that grew past it is replaced after its task
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
if BROKER_URL.startswith("filesystem:"):
    BROKER_FOLDER = Path(required("ASSAY_BROKER_FOLDER"))
    CELERY_BROKER_TRANSPORT = "demo.folder_broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_FOLDER / "messages"),
        "data_folder_out": str(BROKER_FOLDER / "messages"),
        "processed_folder": str(BROKER_FOLDER / "processed"),
        "control_folder": str(BROKER_FOLDER / "control"),
        "polling_interval": 0.05,
    }
else:
    # The hard time limit stays below the visibility timeout, so no running job is delivered twice by it.
    # Who asks for work never waits for a broker that is away (kombu would try for 6 s) or hangs: the row is there.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 2 * 3600,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "max_retries": 0,
    }

# --- REST ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "web.problems.problem_response",
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,  # faults of a list's items by their places, as ListField has them
    "UNAUTHENTICATED_USER": None,
    "ALLOWED_VERSIONS": ["1"],  # else the schema puts any ?version= into its file's name
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Assay REST API",
    "DESCRIPTION": "Register models and versions, read what monitoring found, ask for runs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ModelKindEnum": "inventory.models.Model.Kind",
        "RiskLevelEnum": "inventory.models.Profile.Level",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("ASSAY_LOG_LEVEL", default="INFO")},
}
