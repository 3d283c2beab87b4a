"""The pages that ``make screenshots`` photographs: one line each.

A path may hold ``{guest}`` (a guest with a long history), ``{other}`` (another one), ``{visit}`` (the newest visit of
``{guest}``), ``{field}`` (a field of the café's own), ``{card}`` (the card of ``{guest}``), ``{how}`` (the link after
``{visit}``), ``{draft}`` (a campaign that is being written) and ``{campaign}`` (one that was sent).
"""

from dataclasses import dataclass, field
from pathlib import Path

SAMPLE = Path(__file__).with_name("screenshot_guests.csv")
DESK, BOOK, LIST, GUEST = "Counter", "Customers", "Lists and tools", "One guest"
CLUB = "Customer club"
GROUPS = "Segments"
TALK = "Campaigns"
OTHER = "Around it"


@dataclass(frozen=True)
class Page:
    """One page: file name, group in the index, title, role (empty: not logged in), and path.

    Before the photograph ``fill`` types texts (CSS selector → text), ``upload`` is put into the file field, ``click``
    is pressed and ``await_for`` must appear. ``bare``: the page is on the platform's own host, not a café's.
    """

    name: str
    group: str
    title: str
    role: str
    path: str
    fill: dict[str, str] = field(default_factory=dict)
    click: tuple[str, ...] = ()
    await_for: str = ""
    upload: Path | None = None
    bare: bool = False
    status: int = 200


_TAB = "/customers/{guest}/tab/"
_AMOUNT = "#amount"

PAGES = (
    Page("counter", DESK, "Counter", "staff", "/counter/"),
    Page("counter-matches", DESK, "Counter: guests found while typing", "staff", "/counter/", {"#phone": "091"},
         await_for="[data-match]"),
    Page("counter-guest", DESK, "Counter: a guest's card", "staff", "/counter/for/{guest}/",
         click=("[data-match]",), await_for="#bill"),
    Page("home", DESK, "Home", "manager", "/"),
    Page("search", DESK, "Search everywhere", "manager", "/search/?q=0912"),
    Page("visit", DESK, "One visit", "manager", "/visits/{visit}/"),
    Page("visit-edit", DESK, "Correct a visit", "manager", "/visits/{visit}/edit/"),
    Page("visit-move", DESK, "Move a visit to another guest", "manager", "/visits/{visit}/move/"),
    Page("customers", BOOK, "Customers", "manager", "/customers/"),
    Page("customers-cards", BOOK, "Customers as cards", "manager", "/customers/?look=cards"),
    Page("customers-none", BOOK, "Nobody found", "manager", "/customers/?search=zzzzqq"),
    Page("customer-new", BOOK, "Enter a guest", "staff", "/customers/new/"),
    Page("duplicates", LIST, "Duplicates", "manager", "/customers/duplicates/"),
    Page("merge-choose", LIST, "Merge: with whom", "manager", "/customers/{guest}/merge/"),
    Page("merge", LIST, "Merge: the result beforehand", "manager", "/customers/{guest}/merge/{other}/"),
    Page("events", LIST, "Upcoming events", "manager", "/customers/events/"),
    Page("at-risk", LIST, "At risk", "manager", "/customers/at-risk/"),
    Page("fields", LIST, "Fields of one's own", "manager", "/customers/fields/"),
    Page("program", CLUB, "The program in sentences", "manager", "/loyalty/"),
    Page("tiers", CLUB, "Tiers", "manager", "/loyalty/tiers/"),
    Page("loyalty-reports", CLUB, "Reports of the club", "manager", "/loyalty/reports/"),
    Page("rewards", CLUB, "Rewards", "manager", "/loyalty/rewards/"),
    Page("reward-new", CLUB, "A new reward", "manager", "/loyalty/rewards/new/"),
    Page("vouchers", CLUB, "Vouchers", "manager", "/loyalty/vouchers/"),
    Page("reviews", CLUB, "Reviews of what looks like misuse", "manager", "/loyalty/reviews/"),
    Page("referrals", CLUB, "Guests who bring guests", "manager", "/loyalty/referrals/"),
    Page("guest-card", CLUB, "A guest's card", "", "{card}"),
    Page("guest-feedback", CLUB, "A guest's link after a visit: how was it?", "", "{how}"),
    Page("stamp-cards", CLUB, "Stamp cards", "manager", "/loyalty/stamp-cards/"),
    Page("stamp-card-new", CLUB, "A new stamp card", "manager", "/loyalty/stamp-cards/new/"),
    Page("imports", LIST, "Import", "manager", "/customers/imports/"),
    Page("import-columns", LIST, "Import: the columns", "manager", "/customers/imports/", upload=SAMPLE,
         click=("main form[enctype] button.btn-primary",)),
    Page("profile", GUEST, "Profile: overview", "manager", "/customers/{guest}/"),
    Page("profile-visits", GUEST, "Profile: visits", "manager", f"{_TAB}visits/"),
    Page("profile-notes", GUEST, "Profile: notes", "manager", f"{_TAB}notes/"),
    Page("profile-family", GUEST, "Profile: family", "manager", f"{_TAB}family/"),
    Page("profile-communications", GUEST, "Profile: messages", "manager", f"{_TAB}communications/"),
    Page("profile-feedback", GUEST, "Profile: feedback", "manager", f"{_TAB}feedback/"),
    Page("profile-behavior", GUEST, "Profile: behaviour", "manager", f"{_TAB}behavior/"),
    Page("profile-consent", GUEST, "Profile: consent", "manager", f"{_TAB}consent/"),
    Page("profile-history", GUEST, "Profile: history of changes", "manager", f"{_TAB}history/"),
    Page("profile-edit", GUEST, "Edit a guest", "manager", "/customers/{guest}/edit/"),
    Page("profile-print", GUEST, "Visits to print", "manager", "/customers/{guest}/visits/print/"),
    Page("profile-data", GUEST, "The guest's data", "owner", "/customers/{guest}/data/"),
    Page("erase", GUEST, "Erase a guest", "owner", "/customers/{guest}/erase/"),
    Page("phones", OTHER, "Test phones", "manager", "/phones/"),
    Page("login", OTHER, "Log in", "", "/login/"),
    Page("forbidden", OTHER, "A page for others", "staff", "/customers/duplicates/", status=403),
    Page("landing", OTHER, "The platform", "", "/", bare=True),
    Page("admin", OTHER, "Administration", "owner", "/admin/"),
    Page("admin-customers", OTHER, "Administration: customers", "owner", "/admin/customers/customer/"),
    Page("api-docs", OTHER, "API description", "manager", "/api/docs"),
    Page("segments", GROUPS, "Segments", "manager", "/segments/"),
    Page("segment-new", GROUPS, "Builder", "manager", "/segments/new/", await_for="#builder-preview .segment-size"),
    Page("segment", GROUPS, "One segment", "manager", "/segments/vip_customers/"),
    Page("segment-changes", GROUPS, "Who came and went", "manager", "/segments/vip_customers/changes/"),
    Page("segment-why", GROUPS, "Why a guest is in a segment", "manager",
         "/segments/vip_customers/explain/?guest={guest}"),
    Page("rfm", GROUPS, "RFM map", "manager", "/segments/rfm/"),
    Page("campaigns", TALK, "Campaigns", "manager", "/campaigns/"),
    Page("campaign-who", TALK, "Composer: who", "manager", "/campaigns/new/?segment=vip_customers",
         await_for="#builder-preview [data-recipients]"),
    Page("campaign-what", TALK, "Composer: what", "manager", "/campaigns/{draft}/edit/what/"),
    Page("campaign-when", TALK, "Composer: when", "manager", "/campaigns/{draft}/edit/when/"),
    Page("campaign-check", TALK, "Composer: check", "manager", "/campaigns/{draft}/edit/check/"),
    Page("campaign", TALK, "A campaign: what it brought", "manager", "/campaigns/{campaign}/"),
    Page("campaign-guests", TALK, "A campaign: who got it, and who did not", "manager",
         "/campaigns/{campaign}/guests/"),
    Page("campaign-texts", TALK, "Ready texts", "manager", "/campaigns/templates/"),
    Page("campaign-text-new", TALK, "A new text", "manager", "/campaigns/templates/new/"),
    Page("automations", GROUPS, "Automations", "manager", "/automations/"),
    Page("automation-new", GROUPS, "Editor of automations", "manager", "/automations/new/"),
    Page("automation", GROUPS, "Runs of an automation", "manager", "/automations/{automation}/"),
    Page("automation-dry-run", GROUPS, "Who would get it today", "manager", "/automations/{automation}/dry-run/"),
    Page("calls", TALK, "Call list", "manager", "/calls/?show=open"),
    Page("messages", TALK, "What was sent, and what became of it", "manager", "/messages/"),
    Page("messages-inbound", TALK, "What guests wrote", "manager", "/messages/inbound/"),
    Page("providers", TALK, "Message providers and the rules of sending", "manager", "/settings/providers/"),
    Page("provider-choose", TALK, "A new account: where", "manager", "/settings/providers/new/"),
    Page("provider-new", TALK, "A new account at a provider", "manager",
         "/settings/providers/new/account/?adapter=kavenegar&channel=sms"),
)  # fmt: skip
