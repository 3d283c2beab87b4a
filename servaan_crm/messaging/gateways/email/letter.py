"""A message as a letter: plain text, the same as HTML, and the headers by which it is told apart and refused."""

from __future__ import annotations

import re
from email.utils import parseaddr

from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from servaan_crm.messaging.gateways.base import OutgoingMessage

# Arabic script, which Persian is written in.
_RTL = re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]")
_WHITE = re.compile(r"\s+")
# Programs that read mail know no style sheets of ours, hence styles in place.
_PAGE = (
    '<!DOCTYPE html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="margin:0;padding:24px;background:#faf7f2;color:#2b211b;'
    'font:16px/1.8 Vazirmatn,Tahoma,sans-serif;text-align:{start}">'
    '<div style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:12px">{body}</div>'
    "{foot}</body></html>"
)
_BUTTON = (
    '<p><a href="{}" style="display:inline-block;padding:10px 20px;border-radius:8px;background:#874726;'
    'color:#ffffff;text-decoration:none">{}</a></p>'
)
_FOOT = (
    '<p style="max-width:560px;margin:16px auto;font-size:13px"><a href="{}" style="color:#6b5b50">{}</a></p>'
)


def domain_of(sender: str) -> str:
    """The domain of our own address, which ends every Message-ID."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    try:
        return domain.encode("idna").decode() or "localhost"
    except UnicodeError:
        return "localhost"


def message_id(message: OutgoingMessage, sender: str) -> str:
    """Our number as a Message-ID without its brackets: a second copy is told by it."""
    return f"{message.local_id}@{domain_of(sender)}"


def write_letter(message: OutgoingMessage, sender: str) -> EmailMultiAlternatives:
    """Return the letter: plain and HTML, right to left for Persian, with the headers for one-click refusal
    (RFC 8058) when the message has an address for it."""
    is_rtl = bool(_RTL.search(message.body))
    headers = {"Message-ID": f"<{message_id(message, sender)}>"}
    if message.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    subject = _WHITE.sub(" ", message.subject).strip()  # a line break would begin another header
    with translation.override("fa" if is_rtl else "en"):
        letter = EmailMultiAlternatives(
            subject=subject or _first_line(message.body),
            body=_plain(message),
            from_email=sender,
            to=[message.recipient],
            headers=headers,
        )
        letter.attach_alternative(_html(message, subject, is_rtl=is_rtl), "text/html")
    return letter


def _first_line(body: str) -> str:
    return _WHITE.sub(" ", body.strip().partition("\n")[0])[:78]


def _plain(message: OutgoingMessage) -> str:
    parts = [message.body]
    if message.url and message.url not in message.body:
        parts.append(message.url)
    if message.unsubscribe_url and message.unsubscribe_url not in message.body:
        parts.append(_("No more such letters: %(link)s") % {"link": message.unsubscribe_url})
    return "\n\n".join(parts)


def _html(message: OutgoingMessage, subject: str, *, is_rtl: bool) -> SafeString:
    body: SafeString | str = mark_safe(linebreaks(message.body, autoescape=True))
    if message.url:
        body += format_html(_BUTTON, message.url, _("Have a look"))
    foot = ""
    if message.unsubscribe_url:
        foot = format_html(_FOOT, message.unsubscribe_url, _("No more such letters"))
    return format_html(
        _PAGE,
        lang="fa" if is_rtl else "en",
        dir="rtl" if is_rtl else "ltr",
        start="right" if is_rtl else "left",
        title=subject,
        body=body,
        foot=foot,
    )
