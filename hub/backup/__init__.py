"""Backups: a site enters while it runs, one archive leaves; an archive enters, a site leaves."""
