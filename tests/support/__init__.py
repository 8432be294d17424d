"""What the tests share: settings, a live server, real clients, a browser."""
