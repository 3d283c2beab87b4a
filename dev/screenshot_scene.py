"""What a demo café lacks for its photographs: a guest with notes, family, feedback; fields of its own; a double.

Everything goes in through the café's own API and pages. Doing it twice does no harm.
"""

from typing import Any

# Everything below is told in the language of the café.
_TEXTS: dict[str, dict[str, Any]] = {
    "fa": {
        "notes": ("میز کنار پنجره را دوست دارد.", "به بادام زمینی حساسیت دارد؛ حتماً بپرسید."),
        "family": (("هانا", "child", "1394-08-15"), ("پیمان", "spouse", "1364-12-02")),
        "feedback": ((5, "قهوه عالی بود و برخورد گرم."), (2, "سفارش دیر رسید.")),
        "fields": (("نوشیدنی همیشگی", "text"), ("کد عضویت قدیم", "number"), ("تولد همسر", "date")),
        "newcomer": ("پریسا نادری", "09121230045"),
    },
    "en": {
        "notes": ("Likes the table by the window.", "Allergic to peanuts; always ask."),
        "family": (("Anaya", "child", "2016-11-05"), ("Rohan", "spouse", "1986-02-20")),
        "feedback": ((5, "Wonderful coffee, warm people."), (2, "The order took too long.")),
        "fields": (("Usual drink", "text"), ("Old member code", "number"), ("Spouse's birthday", "date")),
        "newcomer": ("Ishita Rane", "9819012345"),
    },
}


def set_scene(context: Any, base: str, language: str) -> dict[str, str]:
    """Fill one guest's profile and return the values of the placeholders in the paths of pages."""
    api = _Api(context, base)
    guests = api.get("customers?sort=total_visits&order=desc&limit=2")["customers"]
    guest, other = (row["id"] for row in guests)
    words = _TEXTS[language]
    if not api.get(f"customers/{guest}/notes")["notes"]:
        for text in words["notes"]:
            api.post(f"customers/{guest}/notes", {"text": text})
        for name, relationship, birthday in words["family"]:
            member = {"name": name, "relationship": relationship, "date_of_birth": birthday}
            api.post(f"customers/{guest}/family-members", member)
        for rating, comment in words["feedback"]:
            told = {"rating": rating, "comment": comment, "feedback_source": "manual", "customer_id": guest}
            api.post("feedback", told)
        _open_the_day(api, other, words["newcomer"])
        for customer_id in (guest, other):
            api.patch(f"customers/{customer_id}", {"email": "guest@example.com"})
    if not api.get(f"customers/{guest}/custom-fields")["fields"]:
        _make_fields(context, base, words["fields"])
    visit = api.get(f"customers/{guest}/visits?limit=1")["visits"][0]["id"]
    link = api.post(f"customers/{guest}/loyalty/card-link", {"send": False})["link"]
    card = "/card/" + link.split("/card/")[1]
    how = "/f/" + api.post(f"visits/{visit}/feedback-link", {})["link"].split("/f/")[1]
    automation = api.get("automations")["automations"][0]["id"]
    return {
        "guest": guest, "other": other, "visit": visit, "card": card, "how": how, "automation": automation,
        **_campaigns(api),
    }  # fmt: skip


def _open_the_day(api: Any, regular: str, newcomer: tuple[str, str]) -> None:
    """Record the first bills of today: a regular's, somebody's without a name, and one of a new guest."""
    bill = api.get(f"customers/{regular}/visits?limit=1")["visits"][0]["total_amount"]
    name, phone = newcomer
    api.post("visits", {"customer_id": regular, "total_amount": bill})
    api.post("visits", {"total_amount": bill, "payment_method": "cash"})
    api.post("visits", {"customer_phone": phone, "customer_name": name, "total_amount": bill})


def _campaigns(api: Any) -> dict[str, str]:
    """The newest campaign that was completed, and the newest draft."""
    found = {}
    for word, status in (("campaign", "completed"), ("draft", "draft")):
        found[word] = api.get(f"campaigns?status={status}&limit=1")["campaigns"][0]["id"]
    return found


def _make_fields(context: Any, base: str, fields: Any) -> None:
    tab = context.new_page()
    for label, kind in fields:
        tab.goto(f"{base}/customers/fields/")
        tab.fill("[name=label]", label)
        tab.fill("[name=key]", f"own_{kind}")
        tab.select_option("[name=kind]", kind)
        tab.click("main form button.btn-primary")
        tab.wait_for_load_state("networkidle")
    tab.close()


class _Api:
    """The café's API with the manager's token, asked by the browser: it alone finds ``*.localhost`` everywhere."""

    _FETCH = """async ([method, path, body, token]) => {
      const headers = {"Content-Type": "application/json"};
      if (token) headers.Authorization = "Bearer " + token;
      const options = {method, headers, credentials: "omit", body: body && JSON.stringify(body)};
      const answer = await fetch("/api/" + path, options);
      return [answer.status, await answer.json()];
    }"""

    def __init__(self, context: Any, base: str) -> None:
        self.tab = context.new_page()
        self.tab.goto(f"{base}/login/")
        self.token = ""
        account = {"username": "manager", "password": "servaan-demo"}
        self.token = self._ask("POST", "auth/token", account)["access"]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        status, answer = self.tab.evaluate(self._FETCH, [method, path, body, self.token])
        if status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return answer["data"]

    def get(self, path: str) -> Any:
        return self._ask("GET", f"crm/{path}")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", f"crm/{path}", body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("PATCH", f"crm/{path}", body)
