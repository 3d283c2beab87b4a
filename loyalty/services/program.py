"""The program: its first version, and changes to it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.models import LoyaltyProgram, Tier
from loyalty.services.program_checks import LEVELS, check_program, check_tiers
from loyalty.services.versions import archive_current, new_version
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import NotFound
from servaan_crm.tenancy.models import Cafe

# (amount for one point, worth of one point) in the base unit; seed 000 (IRR) and seed 004 (INR).
EARNING_BY_CURRENCY = {
    "IRR": (Decimal(1000), Decimal(100)),
    "INR": (Decimal(100), Decimal(5)),
    "BDT": (Decimal(100), Decimal(5)),
}
# Thresholds in lifetime points (seed 002).
TIER_DEFAULTS = (
    (Tier.Level.BRONZE, 0, "1.00", 0),
    (Tier.Level.SILVER, 1000, "1.10", 0),
    (Tier.Level.GOLD, 5000, "1.20", 5),
    (Tier.Level.PLATINUM, 15000, "1.50", 10),
)
# Ready-made thresholds in points, from bronze up: seed 002, and seed 001.
TIER_PRESETS: dict[str, tuple[str | Promise, tuple[int, ...]]] = {
    "standard": (gettext_lazy("Wide steps"), (0, 1000, 5000, 15000)),
    "quick": (gettext_lazy("Quick steps"), (0, 500, 1500, 3000)),
}
_PROGRAM_EDITABLE = frozenset({
    "is_active", "amount_per_point", "point_value", "minimum_amount", "max_points_per_visit", "tier_basis", "rounding",
    "max_points_per_day", "stacking", "starts_on", "ends_on", "expiry_months", "expiry_warning_days",
    "minimum_redemption", "tier_period_months", "tier_grace_days", "confirm_above", "referral_is_active",
    "referrer_points", "friend_points", "referral_minimum", "review_accruals_per_day",
})  # fmt: skip
_TIER_EDITABLE = frozenset({"threshold", "multiplier", "discount_percent", "benefits"})


def _default_benefits() -> dict[str, list[str]]:
    return {
        "bronze": [_("A point for every purchase")],
        "silver": [_("10% more points"), _("A birthday treat")],
        "gold": [_("20% more points"), _("5% discount on drinks"), _("A birthday treat"), _("Priority seating")],
        "platinum": [
            _("50% more points"), _("10% discount on drinks"), _("A birthday treat"), _("Priority seating"),
            _("A free dessert every month"),
        ],
    }  # fmt: skip


def create_defaults(cafe: Cafe) -> None:
    """Give a new café its program and four tiers unless it has them."""
    amount, value = EARNING_BY_CURRENCY[cafe.currency]
    LoyaltyProgram.objects.get_or_create(
        singleton=True, defaults={"amount_per_point": amount, "point_value": value}
    )
    with translation.override(cafe.language):
        benefits = _default_benefits()
    for level, threshold, multiplier, discount in TIER_DEFAULTS:
        Tier.objects.get_or_create(
            level=level,
            defaults={
                "threshold": threshold,
                "multiplier": Decimal(multiplier),
                "discount_percent": discount,
                "benefits": benefits[level],
            },
        )
    archive_current(LoyaltyProgram.objects.get())


def update_program(
    *, actor: Actor, changes: dict[str, Any], expected_version: int | None = None
) -> LoyaltyProgram:
    """Change the rules from now on; entries made before keep their version.

    When tiers begin to count spend instead of points, or the other way round, their thresholds are converted at
    the program's own rate, so that 1,000 points do not become 1,000 rial.

    Raises:
        ValidationError: keyed by field.
        EditConflict: the program is not in ``expected_version`` any more.
    """
    _only_known(changes, _PROGRAM_EDITABLE)
    with new_version(actor, expected_version) as program:
        counted_money = _counts_money(program)
        changed = [name for name, value in changes.items() if getattr(program, name) != value]
        if not changed:
            return program
        for name in changed:
            setattr(program, name, changes[name])
        check_program(program)
        program.full_clean()
        program.save()
        if counted_money != _counts_money(program):
            rate = (
                program.amount_per_point if _counts_money(program) else 1 / Decimal(program.amount_per_point)
            )
            _save_tiers([_scaled(tier, rate) for tier in Tier.objects.select_for_update()])
    return program


def update_tier(
    *, actor: Actor, tier_id: UUID, changes: dict[str, Any], expected_version: int | None = None
) -> Tier:
    """Change one tier; see :func:`update_tiers`. Raises NotFound too."""
    tier = Tier.objects.filter(pk=tier_id).first()
    if tier is None:
        raise NotFound(details={"tier_id": str(tier_id)})
    tiers = update_tiers(actor=actor, changes={tier.level: changes}, expected_version=expected_version)
    return next(row for row in tiers if row.pk == tier_id)


def update_tiers(
    *, actor: Actor, changes: dict[str, dict[str, Any]], expected_version: int | None = None
) -> list[Tier]:
    """Change tiers in one version of the program: level → field → value. Returns all tiers, the lowest first.

    Nobody moves at once: guests who reach a lowered threshold rise at the nightly review of tiers, or with their
    next visit; after a raised one guests keep their tier until its period ends.

    Raises:
        ValidationError: keyed by ``<level>.<field>``.
        EditConflict: the program is not in ``expected_version`` any more.
    """
    _only_known(changes, frozenset(LEVELS))
    for level_changes in changes.values():
        _only_known(level_changes, _TIER_EDITABLE)
    with new_version(actor, expected_version):
        tiers = list(Tier.objects.select_for_update())
        for tier in tiers:
            for name, value in changes.get(tier.level, {}).items():
                setattr(tier, name, value)
        return _save_tiers(tiers)


def preset_thresholds(program: LoyaltyProgram, preset: str) -> dict[str, Decimal]:
    """Return level → threshold of a ready-made set, in what the program's tiers count."""
    rate = Decimal(program.amount_per_point) if _counts_money(program) else Decimal(1)
    return {level: points * rate for level, points in zip(LEVELS, TIER_PRESETS[preset][1], strict=True)}


def _counts_money(program: LoyaltyProgram) -> bool:
    return program.tier_basis == LoyaltyProgram.TierBasis.LIFETIME_SPEND


def _scaled(tier: Tier, rate: Decimal) -> Tier:
    tier.threshold = round(tier.threshold * rate)
    return tier


def _save_tiers(tiers: list[Tier]) -> list[Tier]:
    """Check and save, in an order in which no two thresholds are the same in between."""
    check_tiers(tiers)
    stored = dict(Tier.objects.values_list("level", "threshold"))
    ordered = sorted(tiers, key=lambda tier: tier.threshold)
    rising = [tier for tier in reversed(ordered) if tier.threshold > stored[tier.level]]
    falling = [tier for tier in ordered if tier.threshold <= stored[tier.level]]
    for tier in (*rising, *falling):
        tier.full_clean(validate_unique=False, validate_constraints=False)
        tier.save()
    return ordered


def _only_known(changes: dict[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(changes) - known):
        raise ValidationError({name: _("There is no such field.") for name in unknown})
