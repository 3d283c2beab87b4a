"""The pages that ``make screenshots`` photographs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page: file name, café, user name (empty: not logged in), path, and what to do before the photograph.

    ``fill`` maps CSS selectors to texts to type; ``click`` is pressed last.
    """

    name: str
    cafe: str
    login: str
    path: str
    fill: tuple[tuple[str, str], ...] = ()
    click: str = ""


PAGES = (
    Page("login", "demo", "", "/login/"),
    Page("home", "demo", "owner", "/"),
    Page("counter", "demo", "staff", "/counter/"),
    Page("counter-guest", "demo", "staff", "/counter/", (("#phone", "0912"),), "[data-match]"),
    Page("customers", "demo", "manager", "/customers/"),
    Page("profile", "demo", "manager", "/customers/?sort=points", (), "main a[href*='/customers/0']"),
    Page("phones", "demo", "manager", "/phones/"),
    Page("home-en", "dombivli", "owner", "/"),
    Page("counter-en", "dombivli", "staff", "/counter/"),
    Page("customers-en", "dombivli", "manager", "/customers/"),
    Page("customers-servaan", "servaan", "manager", "/customers/"),
)
