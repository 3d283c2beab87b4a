"""Push messages to the browsers of guests."""

from servaan_crm.messaging.gateways.web_push.adapter import WebPushGateway

__all__ = ["WebPushGateway"]
