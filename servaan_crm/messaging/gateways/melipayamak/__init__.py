"""Melipayamak: SMS in Iran."""

from servaan_crm.messaging.gateways.melipayamak.adapter import MelipayamakGateway

__all__ = ["MelipayamakGateway"]
