"""Writes of the café's own house."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from servaan_crm.accounts.models import ApiKey, User
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import PermissionDenied


def save_user(*, actor: Actor, user: User) -> User:
    """Write a staff member that was added or changed.

    Raises:
        PermissionDenied: somebody who is no owner would make or change an owner.
        ValidationError: nobody who may manage everything would be left.
    """
    with write(actor):
        before = User.objects.select_for_update().filter(pk=user.pk).first()
        owner_concerned = User.Role.OWNER in {user.role, before.role if before else ""}
        if owner_concerned and actor.role != User.Role.OWNER:
            raise PermissionDenied(_("Only an owner can make or change an owner."))
        if before and _is_owner(before) and not _is_owner(user) and _is_last_owner(before):
            raise ValidationError(_("This is the last owner: give somebody else the role first."))
        user.save()
    return user


def issue_api_key(*, actor: Actor, name: str, user: User) -> tuple[ApiKey, str]:
    """Create an API key that acts as ``user``; the clear key is returned once and not kept."""
    with write(actor):
        return ApiKey.issue(name=name, user=user)


def revoke_api_key(*, actor: Actor, key: ApiKey) -> ApiKey:
    """Make a key useless from now on; a key that was revoked stays as it is."""
    with write(actor):
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
        key.refresh_from_db()
    return key


def _is_owner(user: User) -> bool:
    return user.role == User.Role.OWNER and user.is_active


def _is_last_owner(user: User) -> bool:
    owners = User.objects.select_for_update().filter(role=User.Role.OWNER, is_active=True)
    return not owners.exclude(pk=user.pk).exists()
