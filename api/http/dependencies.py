"""What a route takes from the application: the database and the settings."""

from typing import Annotated

from fastapi import Depends, Request

from api.settings import ServiceSettings
from layers.db.database import Database


async def _get_database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _get_settings(request: Request) -> ServiceSettings:
    found: ServiceSettings = request.app.state.settings
    return found


DatabaseDep = Annotated[Database, Depends(_get_database)]
SettingsDep = Annotated[ServiceSettings, Depends(_get_settings)]
