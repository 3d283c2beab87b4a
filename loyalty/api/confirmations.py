"""The code by SMS over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.api.reward_shapes import ConfirmationInput
from loyalty.models import RedemptionCode
from loyalty.services.confirmation import RESEND_AFTER, check_code, send_code
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once, was_answered
from servaan_crm.core.responses import ok


def confirmed_by(request: Request, *, customer_id: UUID, code: str, points: int) -> RedemptionCode | None:
    """Check the code of a request before ``answer_once`` opens its transaction: every try counts.

    None without a code, and for a request that was answered before: its code was used then.
    Raises ConfirmationFailed.
    """
    if not code.strip() or was_answered(request):
        return None
    return check_code(customer_id=customer_id, code=code, points=points)


class ConfirmationsView(APIView):
    """Ask the guest for a confirmation."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_REDEEM
    rate_area = "customers"

    @extend_schema(operation_id="confirmations_send", request=ConfirmationInput, responses={202: dict})
    def post(self, request: Request) -> HttpResponse:
        """Send the guest four digits that release up to ``points``; the newest code alone counts."""
        return answer_once(request, lambda: self._send(request))

    def _send(self, request: Request) -> Response:
        form = ConfirmationInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = send_code(actor=staff_of(request).actor, **form.validated_data)
        sent = {
            "customer_id": row.customer_id,
            "points": row.points,
            "expires_at": row.expires_at,
            "resend_after_seconds": RESEND_AFTER,
        }
        return ok({"confirmation": sent}, status=202)
