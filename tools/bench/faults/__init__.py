"""A fault campaign: the running loop is killed, frozen, cut off at random and must stay right."""
