"""Django's WSGI handler, which the front runs in threads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
application = get_wsgi_application()
