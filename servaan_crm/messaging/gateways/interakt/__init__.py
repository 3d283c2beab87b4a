"""WhatsApp through Interakt."""

from servaan_crm.messaging.gateways.interakt.adapter import InteraktGateway

__all__ = ["InteraktGateway"]
