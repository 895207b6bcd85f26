/** How a command ends when it does not succeed. Messages are for the person at the terminal and say what to do. */

/** Exit codes of the command line; 78 is EX_CONFIG of sysexits. */
export const ExitCode = { ok: 0, failure: 1, usage: 2, configuration: 78 } as const;

/** The command was called wrongly: nothing was tried. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and could not be done, or was declined. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** What a program wants to know besides the message; part of the `--json` answer. */
  readonly details: Readonly<Record<string, unknown>>;

  /** The command has printed its JSON document itself. */
  readonly isReported: boolean;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}, isReported = false) {
    super(message);
    this.details = details;
    this.isReported = isReported;
  }
}
