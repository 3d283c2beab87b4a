"""The thanks after the first visit were a service message before automations had a purpose, and stay one."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_campaign_review_and_retry")]
    operations = [
        migrations.RunSQL(
            "UPDATE campaigns_automation SET purpose = 'transactional'"
            " WHERE key = 'first-visit-thanks' AND is_system AND purpose = 'marketing'",
            migrations.RunSQL.noop,
        )
    ]
