"""What a restored backup would bring back to life: tokens, accounts and passwords that have ended since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.security.audit import Action, audit
from api.security.principal import SYSTEM
from layers.models import Account, Token


@dataclass(frozen=True)
class Revival:
    """Who may enter a restored database, for its operator to review.

    Attributes
    ----------
    tokens, accounts
        Those that are valid in it, as people name them.
    revoked, disabled
        Those that were valid in the backup and have ended in the present database: ended here too.
    passwords
        Accounts that have the password of the backup again, though it was changed in the present database.
    ended_before
        Tokens and accounts that had ended when the backup was made, and stay so.
    """

    tokens: Sequence[str]
    accounts: Sequence[str]
    revoked: Sequence[str]
    disabled: Sequence[str]
    passwords: Sequence[str]
    ended_before: Sequence[str]


def end_again(session: Session, present: Session | None) -> Revival:
    """End in a restored database what has ended in the present one, list who may enter it, and audit that.

    Parameters
    ----------
    session
        Of the restored database, which may be changed.
    present
        Of the database that it replaces; None if there is none.
    """
    tokens, accounts = _all_tokens(session), _all_accounts(session)
    ended_before = [_token_name(each) for each in tokens.values() if each.revoked_at is not None]
    ended_before += [each.name for each in accounts.values() if each.disabled_at is not None]
    revoked, disabled, passwords = [], [], []
    if present is not None:
        for sha256, now in _all_tokens(present).items():
            token = tokens.get(sha256)
            if token is not None and token.revoked_at is None and now.revoked_at is not None:
                token.revoked_at = now.revoked_at
                revoked.append(_token_name(token))
                audit(
                    session, SYSTEM, Action.token_revoke, f"token {token.id}", name=token.name, restored=True
                )
        for name, later in _all_accounts(present).items():
            account = accounts.get(name)
            if account is None or account.disabled_at is not None:
                continue
            if later.disabled_at is not None:
                account.disabled_at = later.disabled_at
                disabled.append(account.name)
                audit(
                    session, SYSTEM, Action.account_disable, f"account {account.id}", name=name, restored=True
                )
            elif later.password_hash != account.password_hash:
                passwords.append(account.name)
    audit(session, SYSTEM, Action.restore, revoked=len(revoked), disabled=len(disabled))
    return Revival(
        [
            _token_name(each)
            for each in tokens.values()
            if each.revoked_at is None and each.expires_at > datetime.now(UTC)
        ],
        [each.name for each in accounts.values() if each.disabled_at is None],
        revoked,
        disabled,
        passwords,
        ended_before,
    )


def _all_tokens(session: Session) -> dict[str, Token]:
    return {each.sha256: each for each in session.scalars(select(Token).order_by(Token.id))}


def _all_accounts(session: Session) -> dict[str, Account]:
    return {each.name: each for each in session.scalars(select(Account).order_by(Account.id))}


def _token_name(token: Token) -> str:
    return f"{token.id} {token.name}"
