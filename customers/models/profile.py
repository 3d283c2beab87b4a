"""What belongs to one guest besides its visits: notes, family, consent, and fields of the café's own."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class CustomerNote(BaseModel):
    """A remark of the staff. Pinned ones are shown first, and on the counter's card."""

    customer = models.ForeignKey(
        Customer, models.CASCADE, verbose_name=_("customer"), related_name="staff_notes"
    )
    text = models.TextField(_("text"), max_length=2000)
    is_pinned = models.BooleanField(_("pinned"), default=False)
    author = models.ForeignKey(User, models.SET_NULL, null=True, verbose_name=_("author"), related_name="+")
    author_name = models.CharField(_("author"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="note_has_text")]
        indexes = [models.Index(fields=["customer", "-is_pinned", "-created_at"], name="note_of_customer")]

    def __str__(self) -> str:
        return self.text[:60]


class FamilyMember(BaseModel):
    """Somebody the guest comes with or buys for."""

    class Relationship(models.TextChoices):
        SPOUSE = "spouse", _("Spouse")
        CHILD = "child", _("Child")
        PARENT = "parent", _("Parent")
        SIBLING = "sibling", _("Sibling")
        FRIEND = "friend", _("Friend")
        OTHER = "other", _("Other")

    customer = models.ForeignKey(
        Customer, models.CASCADE, verbose_name=_("customer"), related_name="family_members"
    )
    name = models.CharField(_("name"), max_length=100)
    relationship = models.CharField(_("relationship"), max_length=8, choices=Relationship.choices)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    phone = models.CharField(_("phone"), max_length=16, blank=True, db_collation="C")
    address = models.TextField(_("address"), blank=True)
    notes = models.TextField(_("notes"), blank=True)

    class Meta:
        verbose_name = _("family member")
        verbose_name_plural = _("family members")
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="family_has_name")]
        indexes = [
            models.Index(fields=["customer", "created_at"], name="family_of_customer"),
            models.Index(fields=["birthday"], name="family_birthday", condition=Q(birthday__isnull=False)),
            models.Index(fields=["phone"], name="family_phone", condition=~Q(phone="")),
        ]

    def __str__(self) -> str:
        return self.name


class Channel(models.TextChoices):
    """The ways a message reaches a guest."""

    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    EMAIL = "email", _("E-mail")
    PUSH = "push", _("Push")
    INSTAGRAM = "instagram", _("Instagram")


class ConsentChange(models.Model):
    """One yes or no of a guest to marketing on one channel: when, how and by whom. Append-only.

    The newest row of a channel counts; without one, ``Customer.allow_marketing`` does. A guest whose
    ``allow_marketing`` is off gets nothing on any channel.
    """

    class Source(models.TextChoices):
        STAFF = "staff", _("Staff")
        LINK = "link", _("Link in a message")
        KEYWORD = "keyword", _("Reply keyword")
        IMPORT = "import", _("Import")
        SIGN_UP = "sign_up", _("Sign-up")
        API = "api", _("API")

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        Customer, models.CASCADE, verbose_name=_("customer"), related_name="consent_changes"
    )
    channel = models.CharField(
        _("channel"), max_length=10, choices=[("all", _("All channels")), *Channel.choices]
    )
    granted = models.BooleanField(_("agreed"))
    source = models.CharField(_("how"), max_length=8, choices=Source.choices)
    actor_name = models.CharField(_("by"), max_length=150, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("consent change")
        verbose_name_plural = _("consent changes")
        indexes = [models.Index(fields=["customer", "channel", "-id"], name="consent_of_customer")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.granted}"


class CustomField(BaseModel):
    """A field the café added to its guests. Values are in ``Customer.custom`` under ``key``."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        BOOLEAN = "boolean", _("Yes or no")
        CHOICE = "choice", _("Choice")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("label"), max_length=60)
    kind = models.CharField(_("type"), max_length=8, choices=Kind.choices)
    choices = models.JSONField(_("choices"), default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        ordering = ["display_order", "label"]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """A choice field has choices, which are different texts. Raises ValidationError."""
        wanted = self.kind == self.Kind.CHOICE
        texts = self.choices if isinstance(self.choices, list) else []
        if wanted and (not texts or len(set(map(str, texts))) != len(texts)):
            raise ValidationError({"choices": _("Give a list of different choices.")})
