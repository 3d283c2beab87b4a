"""WhatsApp through Gupshup."""

from servaan_crm.messaging.gateways.gupshup.adapter import GupshupGateway

__all__ = ["GupshupGateway"]
