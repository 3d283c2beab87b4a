"""Kavenegar: SMS in Iran."""

from servaan_crm.messaging.gateways.kavenegar.adapter import KavenegarGateway

__all__ = ["KavenegarGateway"]
