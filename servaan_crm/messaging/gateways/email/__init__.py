"""E-mail: any SMTP server, or a hosted provider."""

from servaan_crm.messaging.gateways.email.adapter import EmailGateway

__all__ = ["EmailGateway"]
