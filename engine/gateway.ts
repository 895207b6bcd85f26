/**
 * The one way into the engine: transports and adapters submit a command and get its reply frame.
 * Nothing else of the engine is visible to them.
 */

/** The reply frames of one caller in one batch, in the order of its requests. */
export interface ReplyCursor {
  /** The next frame, in a shared buffer: use or copy it before the next call. Undefined after the last. */
  take(): Uint8Array | undefined;
}

/** Takes the replies of one caller. */
export interface ReplySink {
  /** Called once for each batch that holds requests of this caller, so that a socket can cork. Takes every frame. */
  deliver(replies: ReplyCursor): void;
}

export interface CommandEnvelope {
  /** `COMMANDS[name].kind`. */
  readonly kind: number;
  /** FrameFlags of the request. */
  readonly flags: number;
  /** Records in `body`, or its bytes when it is rich. */
  readonly count: number;
  readonly requestIdLow: number;
  readonly requestIdHigh: number;
  /** Who asks: number of the institution that the key belongs to. */
  readonly institution: number;
}

/** Flags that the router sets in an envelope, beside the FrameFlags of the request. They are in no reply. */
export const RouterFlags = {
  /** There are several partitions: the command may take part in what these carry out together. */
  mayCross: 1 << 15,
  /** A payment's body begins with the payee's ACCOUNT record, as another partition knows it. */
  withPayee: 1 << 14,
  /** A dry run goes on: the body begins with what other partitions would answer. */
  withAnswers: 1 << 13,
  /** A confirmation whose proof was checked; it does not follow any more. */
  proven: 1 << 12,
  /** A payment's body begins with what other partitions say of risk features; the payee's record comes after that. */
  withReadings: 1 << 12,
} as const;
export const FRAME_FLAGS_MASK = 0x0fff;

/** Institution 1 operates the switch: it may debit any account and see everything. */
export const OPERATOR_INSTITUTION = 1;

export interface Gateway {
  /**
   * Queues a command whose form was checked by `checkBody`. Copies `body` before it returns. Answers `Code.ok` when it
   * will be decided (the sink then gets exactly one reply frame for it), else `busy` or `shuttingDown` and the sink
   * hears nothing.
   */
  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number;
}

/** Submits and waits for the reply frame (a copy). Resolves to a result code when it was not taken. */
export function call(
  gateway: Gateway,
  envelope: Omit<CommandEnvelope, 'requestIdLow' | 'requestIdHigh'>,
  body: Uint8Array,
): Promise<Uint8Array | number> {
  return new Promise((resolve) => {
    const sink: ReplySink = {
      deliver(replies) {
        const frame = replies.take();
        if (frame !== undefined) resolve(frame.slice());
      },
    };
    const code = gateway.submit({ ...envelope, requestIdLow: 0, requestIdHigh: 0 }, body, sink);
    if (code !== 0) resolve(code);
  });
}

export interface ChangesRequest {
  /** Whose changes. */
  readonly institution: number;
  readonly partition: number;
  /** Position to go on at; 'now' = the end of what is durable. */
  readonly cursor: number | 'now';
  readonly limit: number;
  /** How long to wait for a change when there is none, ms. */
  readonly waitMs: number;
  /** How the page is wanted: the body of a reply, or `{"changes":[…],"nextCursor":…,"atEnd":…}`. */
  readonly form: 'messagePack' | 'json';
}

/** A page of changes in the form that was asked for. When `code` is not `ok`, `body` is empty. */
export interface ChangesPage {
  readonly code: number;
  readonly body: Uint8Array;
  /** Changes in it. */
  readonly count: number;
  readonly nextCursor: number;
}

/** The way to the change stream. It is beside the Gateway because its answers may wait, and come from no batch. */
export interface ChangeReader {
  /**
   * Reads a page and calls `answer` once, later. Returns what gives the request up: then `answer` is not called. How many
   * wait at once is bounded (`tooManyReaders`).
   */
  read(request: ChangesRequest, answer: (page: ChangesPage) => void): () => void;
}
