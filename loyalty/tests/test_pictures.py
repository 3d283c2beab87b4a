"""Pictures of rewards: hostile files, and what is kept of a friendly one."""

import io
import struct
import zlib

import pytest
from django.core.exceptions import ValidationError
from django_tenants.utils import tenant_context
from PIL import Image

from loyalty.models import RewardPicture
from loyalty.services.pictures import MAX_BYTES, SIDE, set_picture, shrink
from loyalty.tests.shelf import SOMEBODY, reward_of


def picture(kind="JPEG", size=(1200, 800), mode="RGB", **options) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, (180, 90, 40) if mode == "RGB" else (180, 90, 40, 128)).save(
        target, kind, **options
    )
    return target.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose head promises width × height pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


HOSTILE = {
    "nothing": b"",
    "text": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "gif": picture("GIF"),
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "bomb": huge_png(50_000, 50_000),
    "wide": huge_png(20_000, 10),
    "monster": huge_png(2**31 - 1, 2**31 - 1),
    "cut": picture("PNG")[:60],
    "cut jpeg": picture("JPEG")[:300],
    "head alone": b"\xff\xd8\xff\xe0" + b"\x00" * 50,
    "webp head": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "large": b"\xff\xd8" + b"\x00" * MAX_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_by_the_name_of_the_field(name):
    with pytest.raises(ValidationError) as refusal:
        shrink(io.BytesIO(HOSTILE[name]))
    assert list(refusal.value.message_dict) == ["file"]


def test_what_is_kept_is_small_upright_and_says_nothing_of_its_maker():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by the camera
    exif[0x010F] = "SECRETCAMERA"
    raw = picture("JPEG", (1200, 800), exif=exif, comment=b"SECRETPLACE", icc_profile=b"SECRETPROFILE" * 40)
    data, width, height = shrink(io.BytesIO(raw))
    assert (width, height) == (320, SIDE)
    assert b"SECRET" not in data
    kept = Image.open(io.BytesIO(data))
    assert (kept.format, kept.size, dict(kept.getexif())) == ("WEBP", (320, SIDE), {})
    assert len(data) < 20_000
    data, *_size = shrink(io.BytesIO(picture("PNG", (300, 200), "RGBA")))
    assert Image.open(io.BytesIO(data)).mode == "RGBA"


def test_one_frame_of_a_film_is_kept():
    frames = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (0, 120, 240)]
    target = io.BytesIO()
    frames[0].save(target, "WEBP", save_all=True, append_images=frames[1:])
    kept = Image.open(io.BytesIO(shrink(io.BytesIO(target.getvalue()))[0]))
    assert getattr(kept, "n_frames", 1) == 1


def test_upload_serve_replace_remove(cafe, other_cafe):
    from django.core.files.uploadedfile import SimpleUploadedFile

    reward, api = reward_of(), cafe.api("manager")
    url = f"/api/crm/loyalty/rewards/{reward.pk}/picture"

    def upload(content):
        return api.put(url, {"file": SimpleUploadedFile("a.png", content)}, format="multipart")

    answer = upload(picture("PNG"))
    assert answer.status_code == 200, answer.content
    address = answer.json()["data"]["picture"]["url"]
    seen = cafe.browser(None).get(address)
    assert (seen.status_code, seen["Content-Type"]) == (200, "image/webp")
    assert "immutable" in seen["Cache-Control"]
    assert api.get(f"/api/crm/loyalty/rewards/{reward.pk}").json()["data"]["reward"]["picture_url"] == address
    assert other_cafe.browser("owner").get(address).status_code == 404
    assert upload(picture("PNG", (50, 90))).json()["data"]["picture"]["url"] != address
    assert cafe.browser(None).get(address).status_code == 404
    refused = upload(b"no picture")
    assert (refused.status_code, list(refused.json()["error"]["details"])) == (400, ["file"])
    with tenant_context(cafe.cafe):
        assert RewardPicture.objects.get().height == 90
    assert api.delete(url).status_code == 200
    assert not RewardPicture.objects.exists()


def test_a_picture_of_a_reward_that_is_not_there(cafe):
    import uuid

    from loyalty.reward_errors import RewardNotFound

    with pytest.raises(RewardNotFound):
        set_picture(actor=SOMEBODY, reward_id=uuid.uuid4(), file=io.BytesIO(picture()))
