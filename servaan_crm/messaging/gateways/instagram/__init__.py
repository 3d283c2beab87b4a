"""Replies to guests who wrote on Instagram."""

from servaan_crm.messaging.gateways.instagram.adapter import InstagramGateway

__all__ = ["InstagramGateway"]
