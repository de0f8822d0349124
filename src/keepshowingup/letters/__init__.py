"""From words and plain values to the bytes of one letter. Knows Jinja, premailer and MIME; knows no database."""
