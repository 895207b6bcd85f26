/** Queues of what another system has to be told until it has heard it: bodies of the commands, and an entry as it stands. */
import { idText, integer, matching, object, oneOf, optional, text } from './body-fields.ts';

/** Bounds of what is kept, by partition. */
export const OUTBOX_LIMITS = {
  entries: 100_000,
  /** Of the bodies of all entries. */
  bytes: 64 * 1024 * 1024,
  /** Entries that ended by their time and are still shown; the oldest leave. */
  expired: 10_000,
  bodyBytes: 2048,
  referenceBytes: 64,
  attempts: 1_000_000,
  pageEntries: 100,
} as const;

const queue = matching(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a name: 1 to 32 of a-z 0-9 - that begins with a letter or digit');
const microseconds = integer(0, Number.MAX_SAFE_INTEGER);
/** 682 groups of three bytes and one of two: as many as may be. */
const body = matching(
  /^(?:[A-Za-z0-9+/]{4}){0,682}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  `base64 of at most ${OUTBOX_LIMITS.bodyBytes} bytes`,
);

export const PUT_OUTBOX_FIELDS = {
  queue,
  /** Chosen by the caller: the same again changes nothing. */
  id: idText(),
  /** armed: written before something is tried, and not to be sent yet. */
  state: oneOf('armed', 'due'),
  /** Not to be sent before. Microseconds since 1970. */
  notBefore: microseconds,
  /** When it ends by itself. */
  expiresAt: microseconds,
  /** What is to be sent. It is kept as it is: what must not be read is encrypted by the caller. */
  body,
  /** What it is about, for people. */
  reference: text(0, OUTBOX_LIMITS.referenceBytes),
};

export const CHANGE_OUTBOX_FIELDS = {
  queue,
  id: idText(),
  /** How often it was tried by now. A change with fewer than are known was overtaken, and changes nothing. */
  attempts: integer(0, OUTBOX_LIMITS.attempts),
  notBefore: microseconds,
};

export const REMOVE_OUTBOX_FIELDS = { queue, id: idText() };

export const LIST_OUTBOX_FIELDS = {
  queue,
  /** Left out = armed and due. */
  state: optional(oneOf('armed', 'due', 'expired')),
  cursor: microseconds,
  limit: integer(1, OUTBOX_LIMITS.pageEntries),
};

export const outboxEntry = object(
  {
    ...PUT_OUTBOX_FIELDS,
    state: oneOf('armed', 'due', 'removed', 'expired'),
    /** In a list only. */
    body: optional(body),
    attempts: integer(0, OUTBOX_LIMITS.attempts),
    created: microseconds,
    /** Of the partition's entries, in the order in which they came. */
    number: microseconds,
    institution: integer(0, 0xffff_ffff),
  },
  'dropped',
);
