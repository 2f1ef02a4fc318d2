"""What a route takes from the application: the database and the settings."""

from typing import Annotated

from fastapi import Depends, Request

from api.settings import ServiceSettings
from layers.db.database import Database


async def _store(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _settings(request: Request) -> ServiceSettings:
    found: ServiceSettings = request.app.state.settings
    return found


Store = Annotated[Database, Depends(_store)]
Settings = Annotated[ServiceSettings, Depends(_settings)]
