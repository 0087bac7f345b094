"""The demo's pictures: which expression each picture shows, and how a portrait is animated to show it."""
