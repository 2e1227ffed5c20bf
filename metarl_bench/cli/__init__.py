"""The command line. Only the parser is imported here: a command imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError

ALIASES = {"--seed": "--seeds"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: Words after the program's name; those of the process where None.

    Returns:
        0: fine; 1: a cell or a check failed; 2: bad input; 130: interrupted; 143: terminated.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)

    def command() -> int:
        _refuse_repeats(words)
        return _dispatch(words or ["--help"])

    return run_command(command)


def _refuse_repeats(words: list[str]) -> None:
    """Raises ``ConfigError`` where an option stands twice: the parser would forget its first values without a word."""
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    # As the parser understands them: it takes underscores for dashes.
    options = [ALIASES.get(word, word) for word in (word.replace("_", "-") for word in given)]
    for option in options:
        if options.count(option) > 1:
            spellings = [word for word, name in zip(given, options, strict=True) if name == option]
            raise ConfigError(
                f"{' or '.join(dict.fromkeys(spellings))} is given {len(spellings)} times, and only the last one would "
                f"count. Give it once, with all its values behind it: {spellings[-1]} FIRST SECOND."
            )


def _dispatch(words: list[str]) -> int:
    import tyro
    from tyro.extras import SubcommandApp

    from metarl_bench.cli import boards, checks, drawing, listing, reproducing, running, submitting

    check = SubcommandApp()
    check.command(name="suite")(checks.check_suite)
    check.command(name="agent")(checks.check_agent)
    app = SubcommandApp()
    app.command(name="list")(listing.list_ids)
    app.command(running.run)
    app.command(running.evaluate)
    app.command(boards.leaderboard)
    app.command(boards.plot)
    app.command(drawing.render)
    app.command(submitting.pack)
    app.command(submitting.verify)
    app.command(submitting.add)
    app.command(submitting.replay)
    app.command(reproducing.reproduce)
    app.command(reproducing.rerun)
    app.command(check, name="check", help="Check that a suite or an agent keeps its contract.")
    app.command(checks.doctor)
    code: int = app.cli(
        prog="metarl-bench",
        description="A robotics benchmark for meta reinforcement learning.",
        args=words,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return code
