"""``/api/sms/``."""

from servaan_crm.core.urls import both
from servaan_crm.messaging.api import sms

urlpatterns = [
    *both("invite", sms.InviteView.as_view(), name="sms-invite"),
    *both("verify", sms.VerifyView.as_view(), name="sms-verify"),
    *both("verify/confirm", sms.ConfirmView.as_view(), name="sms-verify-confirm"),
    *both("welcome", sms.WelcomeView.as_view(), name="sms-welcome"),
    *both("alert/low-stock", sms.LowStockView.as_view(), name="sms-low-stock"),
    *both("bulk", sms.BulkView.as_view(), name="sms-bulk"),
    *both("validate-phone", sms.ValidatePhoneView.as_view(), name="sms-validate-phone"),
    *both("status/<uuid:message_id>", sms.StatusView.as_view(), name="sms-status"),
    *both("account/info", sms.AccountInfoView.as_view(), name="sms-account-info"),
]
