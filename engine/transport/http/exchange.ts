/**
 * One HTTP request and its answer on a uWebSockets.js response: reads the body within bounds, answers once, copes
 * with a client that goes away at any moment and with one that reads slowly.
 */
import { STATUS_CODES } from 'node:http';
import type { Gauge } from '../../admission/limits.ts';
import type { HttpResponse } from '../uws.ts';
import type { Language } from './language.ts';
import { type Answer, type Problem, problem, problemBody, problemStatus, type Stream } from './outcome.ts';

export type Headers = Readonly<Record<string, string>>;

/** Up to here `end` hands the answer to the kernel or the library's buffer in one piece. */
const ONE_PIECE_BYTES = 16_384;
const JSON_HEADERS: Headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
const REPLAYED_HEADERS: Headers = { ...JSON_HEADERS, 'Idempotent-Replayed': 'true' };
const DRY_RUN_HEADERS: Headers = { 'Dry-Run': 'true' };
const STATUS_LINES: ReadonlyMap<number, string> = new Map(
  Object.entries(STATUS_CODES).map(([status, reason]) => [Number(status), `${status} ${reason}`]),
);

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

export class Exchange {
  readonly language: Language;
  readonly #response: HttpResponse;
  readonly #isHead: boolean;
  readonly #closers: (() => void)[] = [];
  /** Answered in full, or given up by the client: the response must not be touched any more. */
  #closed = false;
  #answered = false;
  #status = 0;

  constructor(response: HttpResponse, language: Language, isHead: boolean) {
    this.#response = response;
    this.language = language;
    this.#isHead = isHead;
    response.onAborted(() => this.#close());
  }

  /** Status of the answer; 0 when the client went away before there was one. */
  get status(): number {
    return this.#status;
  }

  /** Runs once: when the answer is out, or when the client has gone. */
  onClosed(closer: () => void): void {
    this.#closers.push(closer);
  }

  /**
   * Reads the body as UTF-8. `done` is called at most once, and never when the client goes away. What waits in memory
   * for the rest of the body counts against `buffered`.
   */
  readText(bytesMax: number, buffered: Gauge, done: (text: string | Problem) => void): void {
    let waiting: Buffer[] = [];
    let size = 0;
    let over = false;
    const giveUp = () => {
      over = true;
      if (waiting.length > 0) buffered.leave(size);
      waiting = [];
    };
    this.onClosed(() => {
      if (!over) giveUp();
    });
    this.#response.onData((chunk, isLast) => {
      if (over) return;
      if (size + chunk.byteLength > bytesMax) {
        giveUp();
        done(problem('frameTooLarge', { detail: `at most ${bytesMax} bytes`, headers: { Connection: 'close' } }));
      } else if (isLast) {
        const whole = waiting.length === 0 ? new Uint8Array(chunk) : Buffer.concat([...waiting, Buffer.from(chunk)]);
        giveUp();
        done(decodeUtf8(whole));
      } else if (buffered.enter(chunk.byteLength)) {
        size += chunk.byteLength;
        // The library takes its buffer back when this returns.
        waiting.push(Buffer.from(chunk.slice(0)));
      } else {
        giveUp();
        done(problem('busy', { headers: { Connection: 'close' } }));
      }
    });
  }

  /** Answers with JSON or with problem+json. */
  finish(outcome: Answer | Problem): void {
    if (outcome.kind === 'answer') {
      const text = outcome.text ?? JSON.stringify(outcome.body);
      const headers = outcome.replayed === true ? REPLAYED_HEADERS : JSON_HEADERS;
      this.send(200, outcome.dryRun === true ? { ...headers, ...DRY_RUN_HEADERS } : headers, text);
      return;
    }
    const status = problemStatus(outcome);
    const headers: Record<string, string> = {
      'Content-Type': 'application/problem+json',
      'Content-Language': this.language,
      'Cache-Control': 'no-store',
      ...(outcome.replayed === true ? { 'Idempotent-Replayed': 'true' } : {}),
      ...(outcome.dryRun === true ? DRY_RUN_HEADERS : {}),
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...(status === 503 || status === 429 ? { 'Retry-After': '1' } : {}),
      ...outcome.headers,
    };
    this.send(status, headers, JSON.stringify(problemBody(outcome, this.language)));
  }

  /**
   * Answers with what comes from a stream. The next piece is asked for when the socket has taken the one before, so a slow reader
   * holds no more than one in memory; one that takes nothing for 10 s is cut off by the library. Rejects with what the stream
   * throws; the connection is closed then, so that nobody takes a part for the whole.
   */
  async stream({ contentType, pieces }: Stream): Promise<void> {
    if (this.#closed || this.#answered) return;
    this.#answered = true;
    this.#status = 200;
    const response = this.#response;
    response.cork(() => {
      response.writeStatus(STATUS_LINES.get(200) ?? '200 OK');
      response.writeHeader('Content-Type', contentType);
      response.writeHeader('Cache-Control', 'no-store');
      if (this.#isHead) response.endWithoutBody();
    });
    if (this.#isHead) return this.#close();
    try {
      for await (const piece of inChunks(pieces, ONE_PIECE_BYTES)) {
        if (this.#closed) return;
        await this.#write(piece);
      }
    } catch (error) {
      if (!this.#closed) response.close();
      throw error;
    }
    if (this.#closed) return;
    response.cork(() => response.end());
    this.#close();
  }

  /** Resolves when the socket has taken it, or when the client has gone. */
  #write(piece: string): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      let isTaken = true;
      response.cork(() => {
        isTaken = response.write(piece);
      });
      if (isTaken) return resolve();
      this.onClosed(resolve);
      response.onWritable(() => {
        // Not at once: the library does not notice what is written while it is in this call, and would not call again.
        setImmediate(resolve);
        return true;
      });
    });
  }

  /** Answers once; later calls, and those after the client has gone, do nothing. */
  send(status: number, headers: Headers, body: string): void {
    if (this.#closed || this.#answered) return;
    this.#answered = true;
    this.#status = status;
    const response = this.#response;
    response.cork(() => {
      response.writeStatus(STATUS_LINES.get(status) ?? `${status} Unknown`);
      let closes = false;
      for (const name in headers) {
        // The library writes this one itself, when it is told to close.
        if (name === 'Connection') closes = true;
        else response.writeHeader(name, headers[name] ?? '');
      }
      if (this.#isHead) {
        response.endWithoutBody(Buffer.byteLength(body), closes);
        this.#close();
      } else if (closes || body.length < ONE_PIECE_BYTES) {
        response.end(body, closes);
        this.#close();
      } else {
        this.#sendInPieces(Buffer.from(body));
      }
    });
  }

  /**
   * Begins an answer that goes on, piece by piece. What it gives back writes a piece and resolves when the client has room for
   * more; it never resolves when the client has gone. Undefined when there is nobody to answer.
   */
  begin(headers: Headers): ((piece: string) => Promise<void>) | undefined {
    if (this.#closed || this.#answered) return undefined;
    this.#answered = true;
    this.#status = 200;
    const response = this.#response;
    response.cork(() => {
      response.writeStatus('200 OK');
      for (const name in headers) response.writeHeader(name, headers[name] ?? '');
    });
    return (piece) =>
      new Promise((resolve) => {
        if (this.#closed) return;
        let hasRoom = false;
        response.cork(() => {
          hasRoom = response.write(piece);
        });
        if (hasRoom) return resolve();
        response.onWritable(() => {
          resolve();
          return true;
        });
      });
  }

  /** Ends what `begin` began. */
  end(): void {
    if (this.#closed) return;
    this.#response.cork(() => this.#response.end());
    this.#close();
  }

  /** As much as the socket takes now, the rest as it drains; the library ends a client that takes nothing for 10 s. */
  #sendInPieces(bytes: Buffer): void {
    const response = this.#response;
    const start = response.getWriteOffset();
    const [, isDone] = response.tryEnd(bytes, bytes.length);
    if (isDone) {
      this.#close();
      return;
    }
    response.onWritable((offset) => {
      if (this.#closed) return true;
      const [isTaken, isComplete] = response.tryEnd(bytes.subarray(offset - start), bytes.length);
      if (isComplete) this.#close();
      return isTaken;
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const closer of this.#closers) closer();
  }
}

/** Small pieces put together, so that each write is worth its system call. */
async function* inChunks(pieces: AsyncIterable<string>, bytesMin: number): AsyncGenerator<string, void, undefined> {
  let waiting = '';
  for await (const piece of pieces) {
    waiting += piece;
    if (waiting.length < bytesMin) continue;
    yield waiting;
    waiting = '';
  }
  if (waiting !== '') yield waiting;
}

function decodeUtf8(bytes: Uint8Array): string | Problem {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return problem('invalidUtf8');
  }
}
