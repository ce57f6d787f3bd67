"""What all records of a run share on their way to the models: roles, limits, money, the end.

Policy is here and in what it holds; a provider only translates.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from annoengine.budget import Budget
from annoengine.compute import Pool
from annoengine.errors import RunStopped, SettingError
from annoengine.limit_settings import LimitSettings
from annoengine.limits import FIRST_CONCURRENCY, Limits
from annoengine.model_chain import Model, Role
from annoengine.pricing import Price, price_of
from annoengine.provider import Provider


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently a call is tried; in no fingerprint."""

    tries: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0


@dataclass
class Door:
    """The door of a run. ``stop`` ends it softly: it is raised for every call not yet sent."""

    roles: Mapping[str, Role]
    pool: Pool
    policy: RetryPolicy = RetryPolicy()
    budget: Budget = field(default_factory=Budget)
    limits: dict[str, Limits] = field(default_factory=dict)
    stop: RunStopped | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _told: dict[str, LimitSettings] = field(default_factory=dict)
    """Limits by model that stand before the recipe's."""
    _prices: dict[str, Price | None] = field(default_factory=dict)

    def role(self, name: str) -> Role:
        """The models behind a role."""
        try:
            return self.roles[name]
        except KeyError:
            raise SettingError(f"the recipe names no model for the role {name!r}") from None

    def provider(self, role: str) -> Provider:
        """The first provider of a role."""
        return self.role(role).providers[0]

    def window(self, role: str) -> int:
        """How many requests a role's providers want in flight, the hungriest of them."""
        return max(provider.window for provider in self.role(role).providers)

    def stop_with(self, reason: RunStopped) -> None:
        """Sends no new call from here on; the first reason stands."""
        self.stop = self.stop or reason
        self.stopping.set()
        for limits in self.limits.values():
            limits.stop(self.stop)

    async def sleep(self, seconds: float) -> None:
        """Waits, but not past the moment at which the run is stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def limits_of(self, model: Model, provider: Provider) -> Limits:
        """The gate in front of a provider; roles of one model share it."""
        limits = self.limits.get(provider.name)
        if limits is None:
            told = model.limits.changed_by(self._told.get(provider.name))
            window = max(1, provider.window)
            limits = self.limits[provider.name] = Limits(
                min(window, told.concurrency or window),
                told.requests_per_minute,
                told.tokens_per_minute,
                # A provider that computes here is asked by as many as it wants from the start.
                window if getattr(provider, "FREE", False) else FIRST_CONCURRENCY,
                first_hold_s=self.policy.first_wait_s,
            )
            if self.stop is not None:
                limits.stop(self.stop)
        return limits

    def change_limits(self, told: Mapping[str, LimitSettings]) -> None:
        """Other limits from now on, by model; what is left out stays the recipe's."""
        self._told = dict(told)
        for role in self.roles.values():
            for model, provider in zip(role.text.models, role.providers, strict=True):
                limits = self.limits.get(provider.name)
                if limits is not None:
                    now = model.limits.changed_by(self._told.get(provider.name))
                    window = max(1, provider.window)
                    limits.change(
                        min(window, now.concurrency or window),
                        now.requests_per_minute,
                        now.tokens_per_minute,
                    )

    def names(self) -> set[str]:
        """All models that the run may ask."""
        return {provider.name for role in self.roles.values() for provider in role.providers}

    def look_up_prices(self) -> None:
        """Reads the price list before the first call, not between two of them."""
        for role in self.roles.values():
            for model, provider in zip(role.text.models, role.providers, strict=True):
                self.price(model, provider)

    def price(self, model: Model, provider: Provider) -> Price | None:
        """What a model costs, or None where nobody knows."""
        if provider.name not in self._prices:
            self._prices[provider.name] = price_of(
                provider.name,
                model.price,
                free=getattr(provider, "FREE", False),
                base_url=getattr(provider, "base_url", None),
            )
        return self._prices[provider.name]
