"""SMS.ir: SMS in Iran."""

from servaan_crm.messaging.gateways.sms_ir.adapter import SmsIrGateway

__all__ = ["SmsIrGateway"]
