"""The catalogue of rewards, and the form of one with its card beside it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from loyalty.models import Reward, RewardPicture
from loyalty.reward_errors import RewardInUse
from loyalty.selectors.rewards import at_menu_prices, get_reward, list_rewards, menu_prices
from loyalty.services import pictures
from loyalty.services.reward_rules import menu_spelling
from loyalty.services.rewards import create_reward, delete_reward, update_reward
from loyalty.web.reward_forms import RewardForm, menu_names, seen_at
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError


class RewardList(RolePage, View):
    """The catalogue as cards."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        rewards = list(list_rewards())
        at_menu_prices(rewards)
        context = {"rewards": rewards, "can_manage": can(request.user, P.LOYALTY_MANAGE)}
        return render(request, "loyalty/rewards.html", context)


class RewardPages(RolePage, View):
    """Base of what managers do with a reward."""

    permission = P.LOYALTY_MANAGE

    def show(self, form: RewardForm, reward: Reward | None, status: int = 200) -> HttpResponse:
        """Show the form with the card it makes."""
        shown = reward if reward is not None else Reward(kind="amount", value=0, points_cost=0)
        context = {"form": form, "reward": reward, "shown": shown, "menu": menu_names()}
        return render(self.request, "loyalty/reward.html", context, status=status)

    def save_picture(self, reward_id: UUID, form: RewardForm) -> bool:
        """Save an uploaded picture; False puts the refusal into the form."""
        file = form.cleaned_data["picture"]
        if file is None:
            return True
        try:
            pictures.set_picture(actor=self.actor, reward_id=reward_id, file=file)
        except ValidationError as error:
            form.take_errors(error.message_dict)
            return False
        return True


class NewReward(RewardPages):
    """Add a reward."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(RewardForm(), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RewardForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                reward = create_reward(actor=self.actor, values=form.values())
            except ValidationError as error:
                form.take_errors(error.message_dict)
            else:
                if self.save_picture(reward.pk, form):
                    messages.success(request, _("The reward is in the catalogue."))
                    return redirect("loyalty:rewards")
                # The reward stands; only its picture was refused.
                messages.warning(request, _("The reward was saved, but not its picture."))
                return redirect("loyalty:reward", reward.pk)
        return self.show(form, None, status=422)


class EditReward(RewardPages):
    """Change a reward."""

    def get(self, request: HttpRequest, reward_id: UUID) -> HttpResponse:
        reward = get_reward(reward_id)
        return self.show(RewardForm(reward=reward), reward)

    def post(self, request: HttpRequest, reward_id: UUID) -> HttpResponse:
        reward = get_reward(reward_id)
        form = RewardForm(request.POST, request.FILES, reward=reward)
        if not form.is_valid():
            return self.show(form, reward, status=422)
        seen = seen_at(form.cleaned_data["seen"])
        try:
            changes = form.changes(reward)
            if changes:
                update_reward(actor=self.actor, reward_id=reward_id, changes=changes, seen=seen)
        except ValidationError as error:
            form.take_errors(error.message_dict)
            return self.show(form, reward, status=422)
        except DomainError as error:
            form.add_error(None, str(error))
            return self.show(form, reward, status=409)
        if "remove_picture" in request.POST:
            pictures.remove_picture(actor=self.actor, reward_id=reward_id)
        if not self.save_picture(reward_id, form):
            return self.show(form, get_reward(reward_id), status=422)
        messages.success(request, _("The reward was saved."))
        return redirect("loyalty:rewards")


class RewardPreview(RolePage, View):
    """The card as guests will see it, while the form is being filled in; nothing is saved."""

    permission = P.LOYALTY_MANAGE

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RewardForm(request.POST)
        form.is_valid()
        data = form.cleaned_data
        kind = data.get("kind") or "amount"
        reward = Reward(
            name=data.get("name", ""), description=data.get("description", ""), kind=kind,
            points_cost=data.get("points_cost") or 0, stock=data.get("stock"),
            max_discount=data.get("max_discount"), item_name=data.get("item_name", ""),
            value=(data.get("percent") if kind == "percent" else data.get("amount")) or 0,
            valid_from=data.get("valid_from"), valid_until=data.get("valid_until"),
            min_tier=data.get("min_tier", ""), is_active=bool(data.get("is_active")),
        )  # fmt: skip
        if kind == "item" and (item := menu_spelling(reward.item_name)):
            reward.value = menu_prices([item.name]).get(item.name, reward.value)
        picture = _picture_of(request.POST.get("reward_id", ""))
        context = {"reward": reward, "picture": picture, "is_preview": True}
        return render(request, "loyalty/_reward_card.html", context)


class SwitchReward(RolePage, View):
    """Offer a reward, or take it off the menu of rewards."""

    permission = P.LOYALTY_MANAGE

    def post(self, request: HttpRequest, reward_id: UUID) -> HttpResponse:
        wanted = request.POST.get("is_active") == "yes"
        reward = update_reward(actor=self.actor, reward_id=reward_id, changes={"is_active": wanted})
        said = _("“%(name)s” is offered again.") if wanted else _("“%(name)s” is not offered any more.")
        messages.success(request, said % {"name": reward.name})
        return redirect("loyalty:rewards")


class DeleteReward(RolePage, View):
    """Delete a reward nobody has bought."""

    permission = P.LOYALTY_MANAGE

    def post(self, request: HttpRequest, reward_id: UUID) -> HttpResponse:
        try:
            delete_reward(actor=self.actor, reward_id=reward_id)
        except RewardInUse as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The reward was deleted."))
        return redirect("loyalty:rewards")


def _picture_of(reward_id: str) -> RewardPicture | None:
    try:
        key = UUID(reward_id)
    except ValueError:
        return None
    return RewardPicture.objects.filter(pk=key).defer("data").first()
