"""The views, a module for each part of the pages. A view reads the request, calls one function below, renders."""
