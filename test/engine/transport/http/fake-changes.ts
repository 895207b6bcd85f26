/** A change stream that has one change and then nothing, or what a test puts in its place. */
import type { ChangeReader, ChangesPage, ChangesRequest } from '../../../../engine/gateway.ts';
import { Code } from '../../../../protocol/results.ts';
import { CHANGE } from '../../../golden/golden-change.ts';

export class FakeChanges implements ChangeReader {
  readonly seen: ChangesRequest[] = [];
  /** Requests that were given up. */
  givenUp = 0;
  /** Not `ok`: every read answers this. */
  code: number = Code.ok;
  /** Set: a read with time to wait is never answered. */
  silent = false;

  read(request: ChangesRequest, answer: (page: ChangesPage) => void): () => void {
    this.seen.push(request);
    const changes = request.cursor === 0 ? [CHANGE] : [];
    const page = { changes, nextCursor: CHANGE.cursor, atEnd: true };
    const body = new TextEncoder().encode(this.code === Code.ok ? JSON.stringify(page) : '');
    if (!this.silent || request.waitMs === 0)
      queueMicrotask(() => answer({ code: this.code, body, count: changes.length, nextCursor: CHANGE.cursor }));
    return () => {
      this.givenUp++;
    };
  }
}
