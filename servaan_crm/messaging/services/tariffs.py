"""What a message costs by the account's own tariff: per part, by script and operator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import Channel
from servaan_crm.messaging.services.accounts import Account, list_accounts
from servaan_crm.messaging.sms import GSM7, SmsSize, count_parts
from servaan_crm.messaging.tariff import Tariff, operator_of


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a number of messages will cost. ``cost``: None as soon as one of them has no known price."""

    messages: int
    parts: int
    cost: Decimal | None


def price_of(text: str, recipient: str, account: Account) -> Decimal | None:
    """Price of ``text`` by the tariff of ``account``, in the café's base currency unit; None where it has none."""
    size = count_parts(text)
    return _price(size, recipient, account.tariff, account.config.channel)


def cost_of(charged: Decimal | None, text: str, recipient: str, account: Account) -> Decimal | None:
    """What the provider charged, where it did so in the café's money; else the price by our own tariff."""
    money = account.gateway.currency
    if charged is not None and (not money or money == get_locale().currency):
        return charged
    return price_of(text, recipient, account)


def price_now(channel: str = Channel.SMS) -> Tariff:
    """The tariff of the account that would send now on ``channel``: the first in order."""
    accounts = list_accounts(channel)
    return accounts[0].tariff if accounts else Tariff()


def estimate(
    messages: Iterable[tuple[str, str]], *, channel: str = Channel.SMS, tariff: Tariff | None = None
) -> Estimate:
    """Add up ``(recipient, text)`` pairs, each as it will be sent: variables filled, opt-out line added.

    A text that comes again is counted once and priced per recipient, so one text to 200,000 guests is cheap.
    """
    tariff = tariff or price_now(channel)
    sizes: dict[str, SmsSize] = {}
    prices: dict[tuple[str, bool, int], Decimal | None] = {}
    count, parts, cost = 0, 0, Decimal(0)
    is_known = True
    for recipient, text in messages:
        size = sizes.get(text)
        if size is None:
            if len(sizes) > 1000:
                sizes.clear()
            size = sizes[text] = count_parts(text)
        key = (operator_of(recipient), size.encoding == GSM7, size.parts)
        if key not in prices:
            prices[key] = _price(size, recipient, tariff, channel)
        price = prices[key]
        is_known = is_known and price is not None
        count += 1
        parts += size.parts if channel == Channel.SMS else 1
        cost += price or 0
    return Estimate(count, parts, cost if is_known and count else (None if count else Decimal(0)))


def _price(size: SmsSize, recipient: str, tariff: Tariff, channel: str) -> Decimal | None:
    part = tariff.price_of_part(recipient, is_latin=size.encoding == GSM7)
    if part is None:
        return None
    return part * (size.parts if channel == Channel.SMS else 1)
