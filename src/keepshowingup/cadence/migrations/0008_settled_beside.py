"""When a step was settled stands in the index that says it is behind, so that planning many reads no rows for it.

Django makes no unique constraint at all on SQLite once it has other columns beside its own, so its models cannot say
this. Only PostgreSQL is told.
"""

from django.db import migrations

ADD = "ALTER TABLE cadence_paststep ADD CONSTRAINT step_behind_once UNIQUE (enrolment_id, step_key)"
DROP = "ALTER TABLE cadence_paststep DROP CONSTRAINT step_behind_once"


def put_beside(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)
        schema_editor.execute(f"{ADD} INCLUDE (settled_at)")


def take_away(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)
        schema_editor.execute(ADD)


class Migration(migrations.Migration):

    dependencies = [("cadence", "0007_by_sequence")]

    operations = [migrations.RunPython(put_beside, take_away)]
