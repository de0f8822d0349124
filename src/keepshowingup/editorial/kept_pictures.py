"""The row of a picture that is kept."""

from __future__ import annotations

from django.db import models


class KeptPicture(models.Model):
    """A picture that articles and letters show, under a name made of its bytes. It stays while anything names it.

    Its bytes are in the database, so that every backup has them and every host can serve or enclose them. ``kept_at``
    is when it came, or was last put into words (:func:`keepshowingup.editorial.pictures.hold_pictures`), UTC.
    """

    name = models.CharField(max_length=40, unique=True, help_text="32 hexadecimal digits and .jpg, .png or .gif")
    width = models.PositiveIntegerField(help_text="Pixels, as it is seen")
    height = models.PositiveIntegerField()
    octets = models.PositiveIntegerField()
    data = models.BinaryField()
    source_url = models.CharField(max_length=500, blank=True, help_text="Where the text came from that showed it first")
    kept_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
