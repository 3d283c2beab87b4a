"""Pictures of rewards: whatever is uploaded becomes a small WebP of our own making.

A file is judged by its head before anything is unpacked, so a picture that would fill the memory is refused.
"""

import hashlib
import io
from typing import BinaryIO
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from loyalty.models import Reward, RewardPicture
from loyalty.reward_errors import RewardNotFound
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
MAX_SIDE = 12_000
SIDE = 480
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 80
_DAMAGE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
)


def set_picture(*, actor: Actor, reward_id: UUID, file: BinaryIO) -> RewardPicture:
    """Give a reward its picture; an earlier one goes.

    Raises:
        ValidationError: not a JPEG, PNG or WebP, damaged, larger than ``MAX_BYTES``, or with too many pixels.
        RewardNotFound.
    """
    data, width, height = shrink(file)
    with write(actor):
        if not Reward.objects.select_for_update(no_key=True).filter(pk=reward_id).exists():
            raise RewardNotFound(details={"reward_id": str(reward_id)})
        picture, _created = RewardPicture.objects.update_or_create(
            reward_id=reward_id,
            defaults={
                "data": data,
                "digest": hashlib.sha256(data).hexdigest(),
                "width": width,
                "height": height,
            },
        )
    return picture


def remove_picture(*, actor: Actor, reward_id: UUID) -> None:
    """Take the picture of a reward away; without one nothing happens."""
    with write(actor):
        RewardPicture.objects.filter(reward_id=reward_id).delete()


def shrink(file: BinaryIO) -> tuple[bytes, int, int]:
    """Return a picture as WebP of at most ``SIDE`` pixels a side, and its width and height.

    Nothing of the file but its pixels survives: no place, no camera, no profile, no second frame.
    Raises ValidationError (field "file").
    """
    raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise _refusal(_("The picture is larger than 5 MB."))
    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise _refusal(_("The picture has too many pixels; 4,000 a side are plenty."))
            return _encoded(image)
    except _DAMAGE:
        raise _refusal(_("Choose a picture: JPEG, PNG or WebP.")) from None


def _encoded(image: Image.Image) -> tuple[bytes, int, int]:
    image.draft("RGB", (SIDE * 2, SIDE * 2))  # a JPEG is unpacked at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    small = upright.convert(mode)
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    clean = Image.new(mode, small.size)
    clean.paste(small)
    target = io.BytesIO()
    clean.save(target, "WEBP", quality=_QUALITY, method=4)
    return target.getvalue(), clean.width, clean.height


def _refusal(text: str) -> ValidationError:
    return ValidationError({"file": [text]})
