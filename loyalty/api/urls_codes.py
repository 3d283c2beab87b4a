"""``/api/crm/loyalty/codes``."""

from loyalty.api import codes
from servaan_crm.core.urls import both

urlpatterns = [
    *both("loyalty/codes", codes.CodesView.as_view(), name="discount-codes"),
    *both("loyalty/codes/generate", codes.GenerateCodesView.as_view(), name="discount-codes-generate"),
    *both("loyalty/codes/<uuid:code_id>", codes.CodeView.as_view(), name="discount-code"),
    *both("loyalty/codes/<uuid:code_id>/uses", codes.CodeUsesView.as_view(), name="discount-code-uses"),
    *both("loyalty/codes/<str:code>/check", codes.CheckCodeView.as_view(), name="discount-code-check"),
]
