"""Provider keys: encrypted in the table, readable after a rotation, refused without their key."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from servaan_crm.core import crypto
from servaan_crm.messaging.admin import ProviderAccountForm
from servaan_crm.messaging.models import ProviderAccount

pytestmark = pytest.mark.usefixtures("cafe")


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM messaging_provideraccount")
        return str(cursor.fetchone()[0])


def test_key_is_not_readable_in_the_database() -> None:
    ProviderAccount.objects.create(name="line", adapter="kavenegar", api_key="very-secret")
    assert "very-secret" not in stored()
    assert ProviderAccount.objects.get().api_key == "very-secret"


def test_rotation_first_key_encrypts_all_decrypt(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    ProviderAccount.objects.create(name="line", adapter="kavenegar", api_key="very-secret")
    before = stored()
    settings.FIELD_KEYS = [new, old]
    assert ProviderAccount.objects.get().api_key == "very-secret"
    assert crypto.decrypt(crypto.rotate(before)) == "very-secret"
    ProviderAccount.objects.get().save()
    settings.FIELD_KEYS = [new]
    assert ProviderAccount.objects.get().api_key == "very-secret"
    with pytest.raises(crypto.DecryptionError):
        crypto.decrypt(before)


def test_command_rotates_keys_and_options_of_every_cafe(settings: Any) -> None:
    from django.core.management import CommandError, call_command

    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    ProviderAccount.objects.create(
        name="line", adapter="kavenegar", api_key="very-secret", options='{"a": "b"}'
    )
    ProviderAccount.objects.create(name="empty", adapter="kavenegar")
    settings.FIELD_KEYS = [new, old]
    call_command("rotate_field_keys")
    settings.FIELD_KEYS = [new]
    row = ProviderAccount.objects.get(name="line")
    assert (row.api_key, row.options) == ("very-secret", '{"a": "b"}')
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="messaging_provideraccount"):
        call_command("rotate_field_keys")


def form(instance: ProviderAccount | None = None, **data: Any) -> ProviderAccountForm:
    values = {
        "name": "line", "adapter": "kavenegar", "priority": 1, "tariff_persian": 0, "tariff_latin": 0, "is_active": 1,
    }  # fmt: skip
    return ProviderAccountForm(values | data, instance=instance)


def test_form_never_shows_the_key_and_keeps_it_when_left_empty() -> None:
    assert not form().is_valid()
    provider = form(api_key="first-key").save()
    bound = ProviderAccountForm(instance=provider)
    assert "first-key" not in bound.as_p()
    form(provider, api_key="", sender="1000").save()
    provider.refresh_from_db()
    assert (provider.api_key, provider.sender) == ("first-key", "1000")
