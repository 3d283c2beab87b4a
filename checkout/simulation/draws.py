"""Chance in SQL: a hash of (who, what, seed), so that the plan and the order of rows change nothing."""

from dataclasses import dataclass

_SALTS_PER_SEED = 1000


@dataclass(frozen=True, slots=True)
class Draws:
    """SQL expressions of pseudo-random numbers.

    ``seed`` decides what happens; ``id_seed`` the ids, which also differ from café to café.
    """

    seed: int
    id_seed: int

    def uniform(self, key: str, salt: int) -> str:
        """Return an expression in [0, 1); equal for equal ``key`` (a bigint expression) and ``salt``."""
        bits = f"hashint8extended({key}, {self.seed * _SALTS_PER_SEED + salt})"
        return f"(({bits} & 9007199254740991)::float8 / 9007199254740992)"

    def normal(self, key: str, salt: int) -> str:
        """Return a standard normal expression (Box-Muller); uses ``salt`` and ``salt + 1``."""
        first, second = self.uniform(key, salt), self.uniform(key, salt + 1)
        return f"(sqrt(-2 * ln(1 - {first})) * cos(6.283185307179586 * {second}))"

    def index(self, key: str, salt: int, size: int | str) -> str:
        """Return an integer expression from 0 to ``size`` - 1."""
        return f"floor({self.uniform(key, salt)} * {size})::int"

    def choice(self, key: str, salt: int, shares: tuple[tuple[str, float], ...]) -> str:
        """Return one of the names; ``shares`` pairs each with the upper bound of its draws."""
        draw = self.uniform(key, salt)
        whens = " ".join(f"WHEN {draw} < {bound} THEN '{name}'" for name, bound in shares[:-1])
        return f"(CASE {whens} ELSE '{shares[-1][0]}' END)"

    def uuid7(self, ms: str, key: str, salt: int) -> str:
        """Return a version 7 UUID of the moment ``ms`` (bigint: milliseconds since 1970)."""
        bits = f"hashint8extended({key}, {self.id_seed * _SALTS_PER_SEED + salt})"
        return (
            f"(lpad(to_hex({ms}), 12, '0') || '7' || lpad(to_hex({bits} & 4095), 3, '0')"
            f" || to_hex(8 + (({bits} >> 12) & 3)) || lpad(to_hex(({bits} >> 14) & 1125899906842623), 15, '0'))::uuid"
        )
