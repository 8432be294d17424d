"""Users, their e-mail addresses and tokens; sign-in."""
