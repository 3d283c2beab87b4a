"""Twilio: SMS and WhatsApp outside Iran."""

from servaan_crm.messaging.gateways.twilio.adapter import TwilioGateway

__all__ = ["TwilioGateway"]
