"""From here on the database itself refuses to change or delete lines of the logbook."""

from django.db import migrations

from keepshowingup.logbook import guarding


class Migration(migrations.Migration):
    dependencies = [
        ("logbook", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, schema: guarding.put_up(schema.connection),
            lambda apps, schema: guarding.take_down(schema.connection),
        ),
    ]
