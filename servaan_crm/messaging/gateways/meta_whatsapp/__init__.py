"""WhatsApp through Meta's own Cloud API."""

from servaan_crm.messaging.gateways.meta_whatsapp.adapter import MetaWhatsAppGateway

__all__ = ["MetaWhatsAppGateway"]
