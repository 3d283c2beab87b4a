"""What guests said about a visit or about the café."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer, Visit
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel
from servaan_crm.l10n.text import search_key_field

# At or below this overall rating somebody of the café has to get back to the guest.
LOW_RATING = 2


class Feedback(BaseModel):
    """One answer of one guest; the guest or the visit may be unknown.

    ``category_ratings`` is ``{"service": 5, …}`` with ratings 1-5; ``categories`` are the subjects the guest
    ticked. Without a request id or device from a public form, ``device_info`` and ``ip_address`` stay empty.
    """

    class Source(models.TextChoices):
        QR_CODE = "qr_code", _("QR code")
        STAFF_TABLET = "staff_tablet", _("Staff tablet")
        SMS_LINK = "sms_link", _("SMS link")
        WEBSITE = "website", _("Website")
        PHONE_CALL = "phone_call", _("Phone call")
        MANUAL = "manual", _("Entered by hand")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("feedback", "Open")
        RESOLVED = "resolved", pgettext_lazy("feedback", "Resolved")

    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, verbose_name=_("customer"), related_name="feedback"
    )
    visit = models.ForeignKey(
        Visit, models.PROTECT, null=True, blank=True, verbose_name=_("visit"), related_name="feedback"
    )
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    source_reference = models.CharField(_("source reference"), max_length=100, blank=True)
    rating = models.PositiveSmallIntegerField(_("rating"))
    category_ratings = models.JSONField(_("ratings per category"), default=dict, blank=True)
    categories = ArrayField(
        models.CharField(max_length=40), verbose_name=_("categories"), default=list, blank=True
    )
    comment = models.TextField(_("comment"), blank=True)
    comment_language = models.CharField(_("language of the comment"), max_length=5, blank=True)
    sentiment_score = models.DecimalField(
        _("sentiment (−1 to 1)"), max_digits=3, decimal_places=2, null=True, blank=True, editable=False
    )
    table_number = models.CharField(_("table"), max_length=10, blank=True)
    visit_date = models.DateField(_("visit date"), null=True, blank=True)
    order_amount = models.DecimalField(
        _("order amount"), max_digits=14, decimal_places=2, null=True, blank=True
    )

    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    response_text = models.TextField(_("answer"), blank=True)
    response_date = models.DateTimeField(_("answered at"), null=True, blank=True, editable=False)
    responded_by = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("answered by"),
        related_name="+",
    )
    follow_up_required = models.BooleanField(_("needs follow-up"), default=False)
    follow_up_completed = models.BooleanField(_("followed up"), default=False)
    follow_up_date = models.DateField(_("follow up on"), null=True, blank=True)

    by_staff = models.BooleanField(_("entered by staff"), default=False, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")
    device_info = models.JSONField(_("device"), null=True, blank=True, editable=False)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True, editable=False)
    comment_key = search_key_field(F("comment"), editable=False)

    class Meta:
        verbose_name = pgettext_lazy("one", "feedback")
        verbose_name_plural = pgettext_lazy("many", "feedback")
        constraints = [
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="feedback_rating"),
            models.CheckConstraint(condition=Q(status__in=["open", "resolved"]), name="feedback_status"),
            models.CheckConstraint(
                condition=Q(
                    source__in=["qr_code", "staff_tablet", "sms_link", "website", "phone_call", "manual"]
                ),
                name="feedback_source",
            ),
            models.CheckConstraint(
                condition=Q(sentiment_score=None) | Q(sentiment_score__gte=-1, sentiment_score__lte=1),
                name="feedback_sentiment",
            ),
            models.CheckConstraint(
                condition=Q(order_amount=None) | Q(order_amount__gte=0), name="feedback_order_amount"
            ),
            models.CheckConstraint(
                condition=Q(response_text="", response_date=None)
                | (~Q(response_text="") & Q(response_date__isnull=False)),
                name="feedback_response_dated",
            ),
            # A guest answers for a visit once; staff may note what they hear as often as they hear it.
            models.UniqueConstraint(
                fields=["visit"],
                condition=Q(by_staff=False, visit__isnull=False),
                name="feedback_once_per_visit",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="feedback_of_customer"),
            models.Index(fields=["visit"], name="feedback_of_visit"),
            models.Index(fields=["rating", "-created_at"], name="feedback_by_rating"),
            models.Index(fields=["source", "-created_at"], name="feedback_by_source"),
            models.Index(fields=["-created_at", "id"], name="feedback_newest"),
            models.Index(fields=["rating", "created_at"], name="feedback_inbox", condition=Q(status="open")),
            GinIndex(fields=["comment_key"], name="feedback_comment_search", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.rating}/5 {self.created_at:%Y-%m-%d}"

    @property
    def is_low(self) -> bool:
        """Whether somebody has to get back to this guest."""
        return self.rating <= LOW_RATING


class FeedbackLink(BaseModel):
    """The way for one guest to say how one visit was, without a login; it takes one answer.

    The key alone opens nothing: the address carries a signature of it as well (see ``feedback.links``). A link whose
    guest is not the visit's any more is dead; a merge takes it along with the visit.
    """

    key = models.CharField(max_length=8, unique=True, editable=False, db_collation="C")
    visit = models.OneToOneField(Visit, models.CASCADE, verbose_name=_("visit"), related_name="feedback_link")
    customer = models.ForeignKey(
        Customer, models.CASCADE, verbose_name=_("customer"), related_name="feedback_links"
    )
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("answered at"), null=True)

    class Meta:
        verbose_name = _("feedback link")
        verbose_name_plural = _("feedback links")

    def __str__(self) -> str:
        return f"{self.visit_id} {self.expires_at:%Y-%m-%d}"
