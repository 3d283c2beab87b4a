"""``/loyalty/codes/``."""

from django.urls import path

from loyalty.web import codes

urlpatterns = [
    path("codes/", codes.CodesPage.as_view(), name="codes"),
    path("codes/new/", codes.NewCode.as_view(), name="code-new"),
    path("codes/generate/", codes.GenerateCodes.as_view(), name="codes-generate"),
    path("codes/export/", codes.ExportCodes.as_view(), name="codes-export"),
    path("codes/<uuid:code_id>/", codes.CodePage.as_view(), name="code"),
    path("codes/<uuid:code_id>/edit/", codes.EditCode.as_view(), name="code-edit"),
    path("codes/<uuid:code_id>/switch/", codes.SwitchCode.as_view(), name="code-switch"),
]
