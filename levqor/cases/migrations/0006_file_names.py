from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_saved_filters")]

    operations = [
        migrations.RemoveConstraint(model_name="casefile", name="case_file_once_by_content"),
        migrations.AlterField(model_name="casefile", name="name", field=models.CharField(max_length=255)),
        migrations.AddConstraint(
            model_name="casefile",
            constraint=models.UniqueConstraint(
                fields=["message", "name", "sha256"], name="case_file_once_in_a_message"
            ),
        ),
    ]
