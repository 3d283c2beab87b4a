"""Outlets, staff users and API keys. They live in the café's own schema; platform owners in ``public``."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_tenants.utils import get_public_schema_name

from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.actors import Actor
from servaan_crm.core.models import BaseModel


class Outlet(BaseModel):
    """A branch of the café."""

    name = models.CharField(_("name"), max_length=100)
    address = models.CharField(_("address"), max_length=300, blank=True)
    is_default = models.BooleanField(_("default outlet"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("outlet")
        verbose_name_plural = _("outlets")
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="outlet_name"),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="outlet_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Creates users with a hashed password."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create an active user; without a password nobody can log in as it."""
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create an owner (of the café, or of the platform on the public schema)."""
        fields.setdefault("role", User.Role.OWNER)
        return self.create_user(username, password, **fields)


class User(BaseModel, AbstractBaseUser):
    """A person (or a till) that works for one café."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MANAGER = "manager", _("Manager")
        STAFF = "staff", _("Staff")
        AGENT = "agent", _("Call agent")
        INTEGRATOR = "integrator", _("Integrator")

    username = models.CharField(
        _("user name"),
        max_length=60,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("A user with that name exists already.")},
    )
    name = models.CharField(_("full name"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=16, blank=True)
    role = models.CharField(_("role"), max_length=12, choices=Role.choices, default=Role.STAFF)
    outlet = models.ForeignKey(Outlet, models.SET_NULL, null=True, blank=True, verbose_name=_("outlet"))
    is_active = models.BooleanField(_("active"), default=True)  # type: ignore[misc]

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")
        ordering = ["username"]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The full name, or the user name when there is none."""
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name

    @property
    def is_staff(self) -> bool:
        """Whether the admin site opens for this user."""
        return can(self, P.ADMIN_SITE)

    @property
    def is_superuser(self) -> bool:
        """Only platform owners, on the public schema, pass every check of the admin."""
        return self.role == self.Role.OWNER and connection.schema_name == get_public_schema_name()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Answer Django's "app.action_model" through our table (see ``backends``)."""
        from servaan_crm.accounts.backends import admin_permission

        if not self.is_active:
            return False
        return self.is_superuser or admin_permission(self, perm)

    def has_perms(self, perm_list: list[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff

    @property
    def actor(self) -> Actor:
        """This user as the author of a change."""
        return Actor(kind="user", name=self.display_name, user_id=self.pk, role=self.role)


class ApiKey(BaseModel):
    """A till vendor's key. Only its hash is kept; the key itself is shown once."""

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, verbose_name=_("acts as"), related_name="api_keys")
    last_used_on = models.DateField(_("last used on"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(key: str) -> str:
        """Return the stored form of ``key``: 256 random bits need no slow hash."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(cls, *, name: str, user: User) -> tuple[ApiKey, str]:
        """Create a key for ``user`` and return it with its clear text, which is not kept."""
        clear = f"sv_{secrets.token_urlsafe(32)}"
        return cls.objects.create(name=name, user=user, prefix=clear[:10], digest=cls.digest_of(clear)), clear
