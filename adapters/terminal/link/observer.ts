/** What can be seen of a link. Nothing here has the content of a message: only message types, counts and reasons. */

export const LINK_COUNTS = [
  /** The stream could not be cut into messages; each ends a connection. */
  'frameErrors',
  'formatErrors',
  'macErrors',
  /** Answered at once because too many messages were under way. */
  'overWindow',
  /** Financial messages before sign-on, and of terminals that are not in the list. */
  'notPermitted',
  'handlerErrors',
  'timeouts',
  /** Answers after the timeout. */
  'late',
  /** Answers to what was never asked. */
  'unmatched',
  /** Second answers to the same request. */
  'duplicates',
  'reconnects',
  /** Connections that were ended: idle, too slow, too many. */
  'connectionsEnded',
] as const;

export type LinkCount = (typeof LINK_COUNTS)[number];

/** Of a listener: `listening`, `draining`, `stopped`. Of an outgoing link: all the others and `stopped`. */
export type LinkState =
  | 'listening'
  | 'draining'
  | 'connecting'
  | 'signingOn'
  | 'up'
  | 'signedOff'
  | 'waiting'
  | 'stopped';

export interface LinkObserver {
  received(link: string, mti: string): void;
  sent(link: string, mti: string): void;
  count(link: string, what: LinkCount): void;
  state(link: string, state: LinkState): void;
  /** For the log; text is masked already. */
  note(link: string, level: 'info' | 'warn', text: string): void;
}

export interface LinkFigures {
  state: LinkState | undefined;
  readonly received: Map<string, number>;
  readonly sent: Map<string, number>;
  readonly counts: Record<LinkCount, number>;
}

/** Message types are kept apart as far as they are known ones: a peer cannot make more names than there are. */
const KNOWN_MTI = /^[012][1-8][0-9][0-5]$/;

/** Counts in memory, by link; notes go to `log`. */
export class LinkCounters implements LinkObserver {
  readonly #figures = new Map<string, LinkFigures>();
  /** Why links that are not up did not come up the last time. */
  readonly #failures = new Map<string, string>();
  readonly #log: (link: string, level: 'info' | 'warn', text: string) => void;

  constructor(log: (link: string, level: 'info' | 'warn', text: string) => void) {
    this.#log = log;
  }

  of(link: string): LinkFigures {
    let figures = this.#figures.get(link);
    if (figures === undefined) {
      const counts = Object.fromEntries(LINK_COUNTS.map((what) => [what, 0])) as Record<LinkCount, number>;
      figures = { state: undefined, received: new Map(), sent: new Map(), counts };
      this.#figures.set(link, figures);
    }
    return figures;
  }

  received(link: string, mti: string): void {
    add(this.of(link).received, mti);
  }

  sent(link: string, mti: string): void {
    add(this.of(link).sent, mti);
  }

  count(link: string, what: LinkCount): void {
    this.of(link).counts[what]++;
  }

  state(link: string, state: LinkState): void {
    this.of(link).state = state;
    if (state === 'up') this.#failures.delete(link);
  }

  /** Why a link does not come up is told once, not with each attempt. */
  note(link: string, level: 'info' | 'warn', text: string): void {
    if (this.of(link).state === 'connecting') {
      if (this.#failures.get(link) === text) return;
      this.#failures.set(link, text);
    }
    this.#log(link, level, text);
  }
}

function add(counts: Map<string, number>, mti: string): void {
  const count = counts.get(mti);
  if (count !== undefined) {
    counts.set(mti, count + 1);
    return;
  }
  const name = KNOWN_MTI.test(mti) ? mti : 'other';
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
