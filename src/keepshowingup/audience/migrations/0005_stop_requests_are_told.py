from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audience", "0004_care"),
    ]

    operations = [
        migrations.AddField(
            model_name="stoprequest",
            name="told_at",
            field=models.DateTimeField(
                blank=True, help_text="When colleagues were written to about it", null=True
            ),
        ),
    ]
