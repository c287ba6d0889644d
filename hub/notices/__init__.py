"""Letters to people: alarms, markets and trades, by e-mail or webhook, as each user chose."""
