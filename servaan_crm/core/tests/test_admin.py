"""The back office: every page opens, ledgers cannot be touched, and saving goes through the services."""

import re
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context

from campaigns.models import Automation
from customers.models import Customer, MenuItem
from feedback.models import Feedback
from feedback.services import record_feedback
from feedback.tests.helpers import make_customer, make_visit, without_feature
from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram, Tier
from outreach.models import Interaction
from servaan_crm.accounts.models import ApiKey, User
from servaan_crm.core.admin_display import ReadOnlyAdmin
from servaan_crm.core.admin_site import platform_site
from servaan_crm.core.models import AuditEntry, Event

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
LABELS = [model._meta.label_lower for model in MODELS]


def url(model, page="changelist", *args):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=args, urlconf="servaan_crm.urls")


@pytest.fixture
def furnished(cafe):
    """One row in the tables that a café fills by working."""
    guest = make_customer("نگار کریمی")
    LoyaltyAccount.objects.create(customer=guest, balance=1250, points_earned_total=1250, last_sequence=1)
    entry = LedgerEntry.objects.create(
        customer=guest, sequence=1, type="earned_bonus", points=1250, balance_after=1250, description="هدیه",
    )  # fmt: skip
    record_feedback(
        actor=cafe.staff.actor, rating=1, source="manual", customer_id=guest.pk, comment="سرد بود"
    )
    return guest, entry


@pytest.mark.parametrize("model", MODELS, ids=LABELS)
@pytest.mark.parametrize("language", ["fa", "en"])
def test_every_list_form_and_row_opens_for_the_owner(cafe, furnished, model, language):
    browser = cafe.browser("owner")
    browser.cookies["servaan_language"] = language
    listed = browser.get(url(model))
    assert listed.status_code == 200
    assert ('dir="rtl"' in listed.content.decode()) == (language == "fa")
    site_admin = admin.site._registry[model]
    request = listed.wsgi_request
    added = browser.get(url(model, "add"))
    assert added.status_code == (200 if site_admin.has_add_permission(request) else 403)
    row = model._default_manager.first()
    if row is not None:
        assert browser.get(url(model, "change", row.pk)).status_code == 200


def test_every_search_answers(cafe, furnished):
    browser = cafe.browser("owner")
    for model in MODELS:
        if admin.site._registry[model].search_fields:
            assert browser.get(url(model), {"q": "کریمی"}).status_code == 200, model


def test_index_is_grouped_by_room_and_hides_what_is_switched_off(cafe):
    browser = cafe.browser("owner")
    rooms = [app["app_label"] for app in browser.get("/admin/").context["app_list"]]
    assert rooms.index("loyalty") < rooms.index("feedback") < rooms.index("accounts") < rooms.index("core")
    assert "tenancy" not in rooms
    with without_feature(cafe, "feedback"):
        assert "feedback" not in [app["app_label"] for app in browser.get("/admin/").context["app_list"]]
        assert browser.get(url(Feedback)).status_code == 403


@pytest.mark.parametrize("role", ["staff", "agent", "integrator"])
def test_other_roles_are_refused(cafe, role):
    browser = cafe.browser(role)
    answers = [browser.get("/admin/", follow=True), browser.get(url(LedgerEntry), follow=True)]
    assert [answer.status_code for answer in answers] == [403, 403]


def test_visitors_are_sent_to_the_cafes_own_log_in(cafe):
    answer = cafe.browser(None).get(url(LedgerEntry), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("web:login", urlconf="servaan_crm.urls"))


@pytest.mark.parametrize(
    "model", [LedgerEntry, LoyaltyAccount, Event, AuditEntry], ids=lambda m: m._meta.model_name
)
def test_ledgers_have_no_add_change_or_delete(cafe, furnished, model):
    if model is Event:
        assert Event.objects.exists()
    row = model.objects.first()
    browser = cafe.browser("owner")
    assert issubclass(type(admin.site._registry[model]), ReadOnlyAdmin)
    for answer in (
        browser.get(url(model, "add")),
        browser.post(url(model, "add"), {}),
        browser.post(url(model, "change", row.pk), {"points": 9}),
        browser.get(url(model, "delete", row.pk)),
        browser.post(url(model, "delete", row.pk), {"post": "yes"}),
    ):
        assert answer.status_code == 403
    assert 'name="action"' not in browser.get(url(model)).content.decode()
    assert model.objects.filter(pk=row.pk).exists()
    page = browser.get(url(model, "change", row.pk)).content.decode()
    assert 'name="_save"' not in page


def test_lists_speak_the_cafes_calendar_digits_and_money(cafe, furnished):
    _guest, entry = furnished
    page = cafe.browser("owner").get(url(LedgerEntry)).content.decode()
    assert "۱٬۲۵۰" in page
    assert re.search(r"14[0-9]{2}/|۱۴۰[۰-۹]/", page)
    shown = cafe.browser("owner").get(url(LedgerEntry, "change", entry.pk)).content.decode()
    assert "۱٬۲۵۰" in shown
    program = cafe.browser("owner").get(url(LoyaltyProgram)).content.decode()
    assert "۱۰۰ تومان" in program


def test_changing_the_program_takes_toman_and_makes_a_new_version(cafe):
    program = LoyaltyProgram.objects.get()
    form = {
        "is_active": "on", "amount_per_point": "۲۰۰", "point_value": "۱۵", "minimum_amount": "۰",
        "max_points_per_visit": "", "tier_basis": "lifetime_points", "rounding": "down", "stacking": "all",
        "expiry_warning_days": "۱۴", "minimum_redemption": "۰", "tier_grace_days": "۰", "referrer_points": "۰",
        "friend_points": "۰", "referral_minimum": "۰", "review_accruals_per_day": "۳",
    }  # fmt: skip
    answer = cafe.browser("manager").post(url(LoyaltyProgram, "change", program.pk), form)
    assert answer.status_code == 302, answer.context["errors"]
    program.refresh_from_db()
    assert (program.amount_per_point, program.point_value, program.version) == (
        Decimal(2000),
        Decimal(150),
        2,
    )
    trace = AuditEntry.objects.filter(table_name="loyalty_loyaltyprogram", actor_name=cafe.manager.name)
    assert trace.get().new["version"] == 2


def test_changing_a_tier_makes_a_new_version_too(cafe):
    gold = Tier.objects.get(level="gold")
    form = {"threshold": "۶۰۰۰", "multiplier": "1.3", "discount_percent": "5", "benefits": "[]"}
    answer = cafe.browser("owner").post(url(Tier, "change", gold.pk), form)
    assert answer.status_code == 302, answer.context["errors"]
    gold.refresh_from_db()
    assert (gold.threshold, LoyaltyProgram.objects.get().version) == (6000, 2)


def test_a_wrong_text_of_an_automation_is_shown_at_its_field(cafe):
    automation = Automation.objects.get(key="first-visit-thanks")
    form = {"name": automation.name, "channel": "sms", "template": "سلام {{nmae}}", "is_active": "on"}
    answer = cafe.browser("manager").post(url(Automation, "change", automation.pk), form)
    assert answer.status_code == 200
    assert "nmae" in str(answer.context["errors"])
    form["template"] = "سلام {{name|مهمان}}"
    assert cafe.browser("manager").post(url(Automation, "change", automation.pk), form).status_code == 302
    automation.refresh_from_db()
    assert automation.template == form["template"]


def test_feedback_is_answered_and_contacts_are_noted_through_services(cafe, furnished):
    guest, _entry = furnished
    feedback = Feedback.objects.get()
    browser = cafe.browser("manager")
    form = {
        "status": "resolved",
        "response_text": "پوزش می‌خواهیم",
        "follow_up_date": "۱۴۰۵/۱۰/۰۱",
        "rating": "5",
    }
    assert browser.post(url(Feedback, "change", feedback.pk), form).status_code == 302
    feedback.refresh_from_db()
    assert (feedback.status, feedback.rating, feedback.responded_by) == ("resolved", 1, cafe.manager)
    assert str(feedback.follow_up_date) == "2026-12-22"
    visit = make_visit(guest)
    new = {
        "customer": str(guest.pk),
        "visit": str(visit.pk),
        "source": "phone_call",
        "rating": "۴",
        "comment": "خوب",
    }
    assert browser.post(url(Feedback, "add"), new).status_code == 302
    visit.refresh_from_db()
    assert visit.feedback_rating == 4
    contact = {"customer": str(guest.pk), "type": "call", "direction": "outbound", "subject": "احوال‌پرسی"}
    assert browser.post(url(Interaction, "add"), contact).status_code == 302
    assert Interaction.objects.get().agent == cafe.manager


def test_a_refusal_of_a_service_is_a_message_and_changes_nothing(cafe, furnished):
    guest, _entry = furnished
    visit = make_visit(make_customer())
    form = {"customer": str(guest.pk), "visit": str(visit.pk), "source": "manual", "rating": "3"}
    answer = cafe.browser("manager").post(url(Feedback, "add"), form, follow=True)
    assert answer.status_code == 200
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert Feedback.objects.count() == 1


def test_an_api_key_is_shown_once_and_can_be_revoked(cafe):
    browser = cafe.browser("owner")
    answer = browser.post(url(ApiKey, "add"), {"name": "صندوق", "user": str(cafe.integrator.pk)})
    clear = re.search(r"sv_[\w-]{40,}", answer.content.decode())[0]
    key = ApiKey.objects.get()
    assert key.digest == ApiKey.digest_of(clear)
    for page in (url(ApiKey), url(ApiKey, "change", key.pk)):
        assert clear not in browser.get(page).content.decode()
    api = cafe.api(None)
    assert api.get("/api/crm/segments", HTTP_X_API_KEY=clear).status_code == 200
    browser.post(url(ApiKey), {"action": "revoke", "_selected_action": [str(key.pk)]})
    assert api.get("/api/crm/segments", HTTP_X_API_KEY=clear).status_code == 401


def test_staff_are_made_with_a_password_and_managers_make_no_owners(cafe):
    form = {
        "username": "barista", "name": "باریستا", "role": "staff",
        "password1": "espresso-machiato-9", "password2": "espresso-machiato-9",
    }  # fmt: skip
    manager = cafe.browser("manager")
    assert manager.post(url(User, "add"), form).status_code == 302
    assert User.objects.get(username="barista").check_password("espresso-machiato-9")
    refused = manager.post(url(User, "add"), {**form, "username": "boss", "role": "owner"})
    assert refused.status_code == 200
    assert not User.objects.filter(username="boss").exists()
    assert (
        manager.post(url(User, "change", cafe.owner.pk), {"username": "owner", "role": "staff"}).status_code
        == 403
    )
    password = reverse("admin:auth_user_password_change", args=[cafe.owner.pk], urlconf="servaan_crm.urls")
    assert manager.get(password).status_code == 403


def test_the_last_owner_stays(cafe):
    form = {"username": "owner", "name": "x", "role": "staff", "is_active": "on"}
    answer = cafe.browser("owner").post(url(User, "change", cafe.owner.pk), form, follow=True)
    assert answer.status_code == 200
    assert User.objects.get(pk=cafe.owner.pk).role == "owner"


def test_guests_are_kept_through_the_services(cafe):
    browser = cafe.browser("manager")
    form = {
        "name": "کیان مرادی", "phone": "۰۹۱۲ ۳۴۵ ۶۷۸۹", "status": "active", "allow_marketing": "on",
        "birthday": "۱۳۷۵/۱۲/۳۰", "block_reason": "", "name_english": "", "email": "", "gender": "", "anniversary": "",
        "notes": "", "address": "", "city": "", "postal_code": "",
    }  # fmt: skip
    answer = browser.post(url(Customer, "add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    guest = Customer.objects.select_related("summary").get(phone="+989123456789")
    assert (str(guest.birthday), guest.summary.total_visits) == ("1997-03-20", 0)
    assert browser.post(url(Customer, "add"), form, follow=True).status_code == 200
    assert Customer.objects.count() == 1
    assert (
        browser.post(url(Customer, "change", guest.pk), {**form, "name": "کیان مرادی‌نیا"}).status_code == 302
    )
    guest.refresh_from_db()
    assert (guest.name, guest.version) == ("کیان مرادی‌نیا", 2)
    for query in ("كيان", "۰۹۱۲۳۴۵", "مرادی نیا"):
        assert "مرادی‌نیا" in browser.get(url(Customer), {"q": query}).content.decode(), query


def test_the_menu_is_kept_in_toman_and_its_author_is_known(cafe):
    form = {"name": "لاته", "category": "قهوه", "price": "۸۵٬۰۰۰", "is_active": "on", "display_order": "۱"}
    assert cafe.browser("manager").post(url(MenuItem, "add"), form).status_code == 302
    item = MenuItem.objects.get()
    assert (item.price, item.display_order) == (850_000, 1)
    assert AuditEntry.objects.get(table_name="customers_menuitem").actor_name == cafe.manager.name


def test_the_neighbours_rows_are_not_there(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        feedback = record_feedback(actor=other_cafe.owner.actor, rating=1, source="manual", comment="همسایه")
    browser = cafe.browser("owner")
    assert "همسایه" not in browser.get(url(Feedback)).content.decode()
    assert browser.get(url(Feedback, "change", feedback.pk)).status_code == 302


def test_the_platform_lists_cafes_and_no_rooms(cafe, settings):
    connection.set_schema_to_public()
    owner = User.objects.create_user("platform", "x", role="owner")
    browser = Client(SERVER_NAME=settings.BASE_DOMAIN)
    browser.force_login(owner)
    index = browser.get("/admin/")
    assert [app["app_label"] for app in index.context["app_list"]] == ["tenancy", "accounts"]
    for model in platform_site._registry:
        name = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert browser.get(name).status_code == 200
        assert browser.get(f"{name}add/").status_code == 200
    page = f"/admin/tenancy/cafe/{cafe.cafe.pk}/change/"
    assert browser.get(page).status_code == 200
    domains = {"domains-TOTAL_FORMS": "0", "domains-INITIAL_FORMS": "0"}
    form = {
        "name": "کافه نارنج", "is_active": "on", "plan": "free", "country": "IR", "currency": "IRR", "show_toman": "on",
        "calendar": "jalali", "language": "fa", "time_zone": "Asia/Tehran", "features": ["crm", "loyalty"], **domains,
    }  # fmt: skip
    assert browser.post(page, form).status_code == 302
    cafe.cafe.refresh_from_db()
    try:
        assert cafe.cafe.features["crm"] is True
        assert cafe.cafe.features["feedback"] is False
    finally:
        cafe.cafe.features = dict.fromkeys(cafe.cafe.features, True)
