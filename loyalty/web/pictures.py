"""Pictures of rewards, for the catalogue and for guests."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views import View

from loyalty.models import RewardPicture
from servaan_crm.core.features import is_enabled

# The address holds the digest of the bytes: another picture has another address.
_FOREVER = "public, max-age=31536000, immutable"


class Picture(View):
    """One picture. Guests see it on their card, so nobody has to log in."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, reward_id: UUID, digest: str) -> HttpResponse:
        """Answer the bytes; 404 for an address of another café or of an earlier picture."""
        picture = RewardPicture.objects.filter(pk=reward_id, digest=digest).first()
        if picture is None or not is_enabled("loyalty"):
            raise Http404
        response = HttpResponse(bytes(picture.data), content_type="image/webp")
        response["Cache-Control"] = _FOREVER
        response["ETag"] = f'"{picture.digest}"'
        return response
