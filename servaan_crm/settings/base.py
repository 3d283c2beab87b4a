"""Settings shared by every environment. Each value comes from the environment; the defaults run."""

from datetime import timedelta
from pathlib import Path

from csp.constants import SELF
from django.utils.translation import gettext_lazy as _

from servaan_crm.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
HOME = Path(env.text("SERVAAN_HOME", str(BASE_DIR / "var")))
BASE_DOMAIN = env.text("SERVAAN_BASE_DOMAIN", "localhost")
PORT = env.number("PORT", 8000)

DEV_SECRET_KEY = "development-only-key-that-production-refuses-to-start-with-0123456789"
SECRET_KEY = env.text("SERVAAN_SECRET_KEY", DEV_SECRET_KEY)
# Fernet keys, first one encrypts, all of them decrypt. The default is for development only.
DEV_FIELD_KEYS = ["c2VydmFhbi1kZXZlbG9wbWVudC1rZXktMDEyMzQ1Njc="]
FIELD_KEYS = env.words("SERVAAN_FIELD_KEYS") or DEV_FIELD_KEYS
DEBUG = False
ALLOWED_HOSTS = [BASE_DOMAIN, f".{BASE_DOMAIN}"]

SHARED_APPS = [
    # Before django_tenants, whose own templates of the admin carry inline styles our CSP forbids.
    "servaan_crm.core.admin_config.CafeAdminConfig",
    "django_tenants",
    "servaan_crm.tenancy",
    "servaan_crm.l10n",
    "servaan_crm.web",
    "servaan_crm.accounts",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_htmx",
]
TENANT_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "servaan_crm.core.admin_config.CafeAdminConfig",
    "servaan_crm.accounts",
    "rest_framework_simplejwt.token_blacklist",
    "servaan_crm.core",
    "servaan_crm.messaging",
    "customers",
    "loyalty",
    "feedback",
    "segments",
    "campaigns",
    "outreach",
    "checkout",
    "analytics",
]
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS)]

TENANT_MODEL = "tenancy.Cafe"
TENANT_DOMAIN_MODEL = "tenancy.Domain"
TENANT_LIMIT_SET_CALLS = True
PUBLIC_SCHEMA_URLCONF = "servaan_crm.urls_public"
ROOT_URLCONF = "servaan_crm.urls"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["servaan_crm.accounts.backends.RoleBackend"]
WSGI_APPLICATION = "servaan_crm.wsgi.application"

DATABASES = {"default": env.database(env.text("DATABASE_URL", "postgresql://servaan@/servaan"))}
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "servaan_crm.core.cache.CafeRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

# Proxies of ours in front of the server: limits per address count the caller, not the proxy.
PROXY_HOPS = env.number("SERVAAN_PROXY_HOPS", 0)

MIDDLEWARE = [
    "servaan_crm.core.middleware.RequestIdMiddleware",
    "servaan_crm.core.middleware.ClientAddressMiddleware",
    "servaan_crm.tenancy.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "servaan_crm.tenancy.middleware.CafeMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "servaan_crm.web.middleware.CafeLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "servaan_crm.core.middleware.DomainErrorMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "servaan_crm.web.context_processors.shell",
            ],
        },
    }
]

# Our template library "l10n" takes the place of Django's on purpose and carries its filters along.
SILENCED_SYSTEM_CHECKS = ["templates.W003"]

LANGUAGE_CODE = "fa"
LANGUAGES = [("fa", _("Persian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static", ("vendor", BASE_DIR / "static_vendor")]
MEDIA_ROOT = HOME / "media"
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django_tenants.files.storage.TenantFileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

LOGIN_URL = "web:login"
LOGIN_REDIRECT_URL = "web:home"
LOGOUT_REDIRECT_URL = "web:login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Cookies are bound to the exact host: a café's session never reaches its neighbour.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "servaan_crm.web.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF],
        "script-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-ancestors": ["'none'"],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": ["'none'"],
    }
}
CORS_ALLOWED_ORIGINS = env.words("SERVAAN_CORS_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "servaan_crm.accounts.authentication.CafeJWTAuthentication",
        "servaan_crm.accounts.authentication.ApiKeyAuthentication",
        "servaan_crm.accounts.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["servaan_crm.core.responses.CafeJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["servaan_crm.core.parsers.CafeJSONParser"],
    "DEFAULT_METADATA_CLASS": "servaan_crm.core.metadata.MethodsMetadata",
    "URL_FORMAT_OVERRIDE": None,  # "format" is a parameter like any other: views read it or refuse it
    "DEFAULT_THROTTLE_CLASSES": [
        "servaan_crm.api.throttles.UserHourlyThrottle",
        "servaan_crm.api.throttles.AreaThrottle",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "servaan_crm.api.exceptions.handle_exception",
    "COERCE_DECIMAL_TO_STRING": False,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Requests per minute and area, and per user and hour (seed 000); a café's plan may override them.
RATE_LIMITS = {
    "customers": env.number("SERVAAN_RATE_CUSTOMERS", 100),
    "campaigns": env.number("SERVAAN_RATE_CAMPAIGNS", 10),
    "analytics": env.number("SERVAAN_RATE_ANALYTICS", 50),
    "feedback": env.number("SERVAAN_RATE_FEEDBACK", 20),
    "login": env.number("SERVAAN_RATE_LOGIN", 20),
    "user_hour": env.number("SERVAAN_RATE_USER_HOUR", 1000),
    # Codes by SMS, for whoever asks: per phone and per address, in a minute and in an hour.
    "sms_code": env.number("SERVAAN_RATE_SMS_CODE", 10),
    "sms_code_ip": env.number("SERVAAN_RATE_SMS_CODE_IP", 10),
    "sms_code_hour": env.number("SERVAAN_RATE_SMS_CODE_HOUR", 100),
    "sms_code_ip_hour": env.number("SERVAAN_RATE_SMS_CODE_IP_HOUR", 100),
    "sms": env.number("SERVAAN_RATE_SMS", 60),
    # Pages of guests: per link, and per address. Many guests of one mobile operator share an address.
    "guest_page": env.number("SERVAAN_RATE_GUEST_PAGE", 20),
    "guest_page_ip": env.number("SERVAAN_RATE_GUEST_PAGE_IP", 120),
    "guest_card": env.number("SERVAAN_RATE_GUEST_CARD", 30),
    "guest_card_ip": env.number("SERVAAN_RATE_GUEST_CARD_IP", 240),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Servaan CRM",
    "DESCRIPTION": "Customers, visits, loyalty and messages of one café.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "PREPROCESSING_HOOKS": ["servaan_crm.api.schema.one_form_each"],
    "COMPONENT_SPLIT_REQUEST": True,
    # Fields of one name with different choices: each set of choices gets a name of its own.
    "ENUM_NAME_OVERRIDES": {
        "ImportKindEnum": "customers.models.ImportJob.Kind",
        "ImportStateEnum": ["pending", "running", "completed", "failed", "cancelled"],
        "CustomFieldKindEnum": "customers.models.CustomField.Kind",
        "PaymentMethodEnum": "customers.models.Visit.PaymentMethod",
        "VisitTypeEnum": "customers.models.Visit.VisitType",
        "CustomerStatusEnum": "customers.models.Customer.Status",
        "ContactDirectionEnum": "outreach.models.Interaction.Direction",
        "BenefitKindEnum": "loyalty.models.Benefit.Kind",
        "BonusKindEnum": "loyalty.models.BonusRule.Kind",
        "TierLevelEnum": "customers.models.CustomerSummary.TierLevel",
        "CampaignTypeEnum": "campaigns.models.CampaignType",
        "MessageChannelEnum": "servaan_crm.messaging.models.Channel",
        "FigureStatusEnum": "customers.selectors.behavior.TrendStatus",
        "CallStatusEnum": "outreach.models.CallTask.Status",
        "CallPriorityEnum": "outreach.models.CallTask.Priority",
        "CallTypeEnum": "outreach.models.CallTask.Type",
        "CallOutcomeEnum": "outreach.models.CallTask.Outcome",
        "ContactOutcomeEnum": "outreach.models.Interaction.Outcome",
    },
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.number("SERVAAN_ACCESS_MINUTES", 60)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ROTATE_REFRESH_TOKENS": False,
    "BLACKLIST_AFTER_ROTATION": True,
    "SIGNING_KEY": SECRET_KEY,
    "USER_ID_CLAIM": "id",
    "USER_ID_FIELD": "id",
    "UPDATE_LAST_LOGIN": False,
    # A changed password ends all tokens issued before.
    "CHECK_REVOKE_TOKEN": True,
}

CELERY_BROKER_URL = env.celery_redis(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "servaan"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
# A publish never holds the counter up: the sweep delivers what a dead broker could not announce.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "beat-schedule")

KAVENEGAR_BASE_URL = env.text("KAVENEGAR_BASE_URL", "https://api.kavenegar.com")
KAVENEGAR_API_KEY = env.text("KAVENEGAR_API_KEY")
KAVENEGAR_SENDER = env.text("KAVENEGAR_SENDER", "2000660110")
# Whether a café may name a gateway on this machine or in this network; for development and tests.
LOCAL_GATEWAYS = False
# Templates of that account at the provider, as "verification-code=our-code,welcome-message=hello".
SMS_TEMPLATES = dict(pair.split("=", 1) for pair in env.words("KAVENEGAR_TEMPLATES") if "=" in pair)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"cafe": {"()": "servaan_crm.core.logs.CafeFilter"}},
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} [{schema_name}] [{request_id}] {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["cafe"]}},
    "root": {"handlers": ["console"], "level": env.text("SERVAAN_LOG_LEVEL", "INFO")},
    # The provider's key travels in the path, so a client's request log would print it.
    # Django's own handler would print every line a second time.
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django": {"handlers": [], "propagate": True},
    },
}
