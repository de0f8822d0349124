"""The editors' desk: the site where staff write, approve, start and watch letters."""
