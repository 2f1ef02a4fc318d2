"""Settings from the environment, with the prefix WANGGE_, read when a command starts.

It says where things are; what they mean is known where they are used.
"""

import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gis.errors import InputError


def _data_folder() -> Path:
    """Return the folder of code tables: beside the packages in a checkout, under share/ when installed."""
    checkout = Path(__file__).parents[1] / "data"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "wangge" / "data"


class DataSettings(BaseSettings):
    """Where the code tables are: WANGGE_DATA."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_")

    data: Path = Field(default_factory=_data_folder)

    def tables(self) -> Path:
        """Return the folder of code tables.

        Raises
        ------
        InputError
            If there is no such folder.
        """
        if not self.data.is_dir():
            raise InputError(f"{self.data} is no folder of code tables; set WANGGE_DATA to it.")
        return self.data
