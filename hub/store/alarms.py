"""Alarms with their history, and the letters that wait to go out."""

from __future__ import annotations

from hub.store.database import Database
from hub.store.rows import AlarmRow, LetterRow


class AlarmTables(Database):
    """One raised alarm at most of each kind and subject; letters are kept until they went."""

    def raise_alarm(self, kind: str, subject: str, severity: str, sentence: str, at_ms: int) -> int:
        """Raise an alarm; return its number, 0 when it is raised already (its sentence stays)."""
        with self.transaction() as connection:
            standing = connection.execute(
                "SELECT alarm_id FROM alarms"
                " WHERE kind = ? AND subject = ? AND cleared_at_ms IS NULL",
                (kind, subject),
            ).fetchone()
            if standing is not None:
                return 0
            last = connection.execute("SELECT max(alarm_id) AS n FROM alarms").fetchone()["n"]
            number: int = (last or 0) + 1
            connection.execute(
                "INSERT INTO alarms (alarm_id, kind, subject, severity, sentence, raised_at_ms)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (number, kind, subject, severity, sentence, at_ms),
            )
            return number

    def clear_alarm(self, kind: str, subject: str, at_ms: int) -> AlarmRow | None:
        """End a raised alarm and return it; None when there is none."""
        with self.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM alarms WHERE kind = ? AND subject = ? AND cleared_at_ms IS NULL",
                (kind, subject),
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE alarms SET cleared_at_ms = ? WHERE alarm_id = ?", (at_ms, row["alarm_id"])
            )
            return AlarmRow(**{**dict(row), "cleared_at_ms": at_ms})

    def acknowledge_alarm(self, alarm_id: int, who: str, at_ms: int) -> bool:
        """Write down who has seen an alarm; False when there is none or it was seen before."""
        with self.transaction() as connection:
            done = connection.execute(
                "UPDATE alarms SET acknowledged_at_ms = ?, acknowledged_by = ?"
                " WHERE alarm_id = ? AND acknowledged_at_ms IS NULL",
                (at_ms, who, alarm_id),
            )
            return bool(done.rowcount)

    def alarms(self, *, only_standing: bool = False, limit: int = 200) -> list[AlarmRow]:
        """Return the newest alarms, newest first; standing: raised, or not seen by anybody yet."""
        where = "WHERE cleared_at_ms IS NULL OR acknowledged_at_ms IS NULL"
        rows = self._rows(
            f"SELECT * FROM alarms {where if only_standing else ''} ORDER BY alarm_id DESC LIMIT ?",
            (limit,),
        )
        return [AlarmRow(**row) for row in rows]

    def raised_alarms(self) -> list[AlarmRow]:
        """Return the alarms that hold now, oldest first."""
        rows = self._rows("SELECT * FROM alarms WHERE cleared_at_ms IS NULL ORDER BY alarm_id")
        return [AlarmRow(**row) for row in rows]

    def post_letter(self, target: str, topic: str, subject: str, body: str, at_ms: int) -> None:
        """Queue a letter; `topic` names what it tells of, so that nothing is told twice."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO letters (target, topic, subject, body, posted_at_ms, next_at_ms)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (target, topic, subject, body, at_ms, at_ms),
            )

    def letters_due(self, at_ms: int, limit: int = 20) -> list[LetterRow]:
        """Return waiting letters whose next attempt has come, oldest first."""
        rows = self._rows(
            "SELECT * FROM letters WHERE sent_at_ms IS NULL AND given_up_at_ms IS NULL"
            " AND next_at_ms <= ? ORDER BY posted_at_ms, target, topic LIMIT ?",
            (at_ms, limit),
        )
        return [LetterRow(**row) for row in rows]

    def letters_stuck(self) -> list[LetterRow]:
        """Return letters that an attempt failed to take out and that wait still, oldest first."""
        rows = self._rows(
            "SELECT * FROM letters WHERE sent_at_ms IS NULL AND given_up_at_ms IS NULL"
            " AND attempts > 0 ORDER BY posted_at_ms, target, topic"
        )
        return [LetterRow(**row) for row in rows]

    def next_letter_ms(self) -> int | None:
        """Return when the next attempt is due, None when no letter waits."""
        row = self._one(
            "SELECT min(next_at_ms) AS next FROM letters"
            " WHERE sent_at_ms IS NULL AND given_up_at_ms IS NULL"
        )
        return None if row is None else row["next"]

    def mark_letter(
        self,
        letter: LetterRow,
        *,
        sent_at_ms: int | None = None,
        next_at_ms: int | None = None,
        given_up_at_ms: int | None = None,
        problem: str | None = None,
    ) -> None:
        """Write the outcome of an attempt."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE letters SET attempts = attempts + 1, sent_at_ms = ?, next_at_ms = ?,"
                " given_up_at_ms = ?, problem = ? WHERE target = ? AND topic = ?",
                (sent_at_ms, next_at_ms or letter.next_at_ms, given_up_at_ms, problem,
                 letter.target, letter.topic),
            )  # fmt: skip

    def forget_letters(self, before_ms: int) -> None:
        """Delete letters that went or were given up before that time."""
        with self.transaction() as connection:
            connection.execute(
                "DELETE FROM letters WHERE (sent_at_ms < ? OR given_up_at_ms < ?)",
                (before_ms, before_ms),
            )
