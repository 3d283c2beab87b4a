"""Ghasedak: SMS in Iran."""

from servaan_crm.messaging.gateways.ghasedak.adapter import GhasedakGateway

__all__ = ["GhasedakGateway"]
