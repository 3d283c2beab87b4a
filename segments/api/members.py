"""Who is in a segment over HTTP: guests, comings and goings, history, and the guests of a fixed list."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from segments import services
from segments.api import serializers as shapes
from segments.api.views import SegmentAPIView
from segments.selectors import MemberList, count_members, get_segment, list_changes, list_history
from servaan_crm.core.pagination import paginate
from servaan_crm.core.parsers import CafeJSONParser
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok

UPLOAD = inline_serializer(
    "SegmentUpload",
    {"file": serializers.FileField(help_text="CSV in UTF-8, a number per line; other columns are left out.")},
)


class MembersView(SegmentAPIView):
    """The guests of a segment."""

    @extend_schema(operation_id="segments_customers", parameters=[shapes.MembersQuery], responses={200: dict})
    def get(self, request: Request, segment_id: str) -> Response:
        """List them with ``entered_at``, those who came last first unless sorted otherwise."""
        query = read_query(request, shapes.MembersQuery)
        members = MemberList(get_segment(segment_id), query["sort"], query["order"])
        rows, pagination = paginate(request, members)  # type: ignore[arg-type]
        return ok({"customers": [shapes.member_payload(row) for row in rows], "pagination": pagination})

    @extend_schema(
        operation_id="segments_customers_change", request=shapes.MembersSerializer, responses={200: dict}
    )
    def post(self, request: Request, segment_id: str) -> Response:
        """Put guests on a fixed list or take them off: ``add``, ``remove``, each ``{customer_ids, phones}``."""
        segment = get_segment(segment_id)
        values = self.read(shapes.MembersSerializer(data=request.data))
        if not values:
            raise ValidationError({"add": [_("Say whom to add or to remove.")]})
        steps = {"add": services.add_to_list, "remove": services.remove_from_list}
        done = {
            name: shapes.listed_payload(step(actor=self.actor, segment_id=segment.pk, **values[name]))
            for name, step in steps.items()
            if name in values
        }
        return ok({**done, "count": count_members(segment.pk).get(segment.pk, 0)})


class MembersFileView(SegmentAPIView):
    """Guests for a fixed list from a file."""

    # JSON is read too, so that every wrong body gets the refusal it would get elsewhere.
    parser_classes = (MultiPartParser, CafeJSONParser)

    @extend_schema(
        operation_id="segments_file", request={"multipart/form-data": UPLOAD}, responses={200: dict}
    )
    def post(self, request: Request, segment_id: str) -> Response:
        """Put the guests with the numbers in a CSV on the list; numbers nobody has are counted and named."""
        segment = get_segment(segment_id)
        file = request.FILES.get("file")
        if file is None:
            raise ValidationError({"file": [_("Send the file in the part “file”.")]})
        found = services.fill_from_file(actor=self.actor, segment_id=segment.pk, file=file)
        count = count_members(segment.pk).get(segment.pk, 0)
        return ok({"add": shapes.listed_payload(found), "count": count})


class ChangesView(SegmentAPIView):
    """Comings and goings."""

    @extend_schema(operation_id="segments_changes", parameters=[shapes.ChangesQuery], responses={200: dict})
    def get(self, request: Request, segment_id: str) -> Response:
        """List who came in and who left, newest first."""
        query = read_query(request, shapes.ChangesQuery)
        found = list_changes(
            get_segment(segment_id),
            entered=query.get("entered"), first=query.get("from"), last=query.get("to"),
        )  # fmt: skip
        rows, pagination = paginate(request, found)
        return ok({"changes": [shapes.change_payload(row) for row in rows], "pagination": pagination})


class HistoryView(SegmentAPIView):
    """The size over time."""

    @extend_schema(operation_id="segments_history", parameters=[shapes.HistoryQuery], responses={200: dict})
    def get(self, request: Request, segment_id: str) -> Response:
        """Return the number of guests on each of the last ``days`` that had a calculation."""
        query = read_query(request, shapes.HistoryQuery, extra=())
        rows = list_history(get_segment(segment_id), query["days"])
        return ok({"days": [{"day": row.day, "count": row.customer_count} for row in rows]})
