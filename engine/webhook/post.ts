/** One signed POST to a receiver: a deadline for the whole of it, no redirects, hardly any of the answer read. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { signWebhook } from '../../protocol/webhook.ts';
import { nameLookup } from './name-lookup.ts';

export interface Delivery {
  readonly url: string;
  readonly secret: string;
  /** webhook-id */
  readonly id: string;
  readonly body: string;
}

/** Undefined when the receiver has taken it (2xx), else why not: for a person, without what was sent. */
export type PostResult = string | undefined;

export interface PosterSettings {
  readonly timeoutMs: number;
  /** Name and version of the switch. */
  readonly userAgent: string;
  readonly nowMs: () => number;
}

/** Of an answer: enough to keep the connection when it is short. */
const ANSWER_BYTES_MAX = 16_384;
const ERROR_TEXT_MAX = 200;

/** The connections to one endpoint. */
export class Poster {
  readonly #settings: PosterSettings;
  readonly #http = new HttpAgent({ keepAlive: true, maxFreeSockets: 1 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxFreeSockets: 1 });
  readonly #lookup = nameLookup();

  constructor(settings: PosterSettings) {
    this.#settings = settings;
  }

  /** @param signal ends it early: as a failure */
  post({ url, secret, id, body }: Delivery, signal: AbortSignal): Promise<PostResult> {
    const { timeoutMs, userAgent, nowMs } = this.#settings;
    const timestamp = Math.floor(nowMs() / 1000);
    const isTls = url.startsWith('https:');
    const bytes = Buffer.from(body);
    return new Promise((resolve) => {
      const send = isTls ? httpsRequest : httpRequest;
      const request = send(url, {
        method: 'POST',
        agent: isTls ? this.#https : this.#http,
        lookup: this.#lookup,
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          'user-agent': userAgent,
          'webhook-id': id,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signWebhook(secret, id, timestamp, body),
        },
      });
      // Not AbortSignal.any with AbortSignal.timeout: nobody holds that timer, and once it was collected it never fires.
      const cut = (): void => {
        request.destroy(new Error(`no answer within ${timeoutMs} ms`));
      };
      const timer = setTimeout(cut, timeoutMs);
      signal.addEventListener('abort', cut, { once: true });
      request.on('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cut);
      });
      if (signal.aborted) cut();
      request.on('response', (response) => {
        const status = response.statusCode ?? 0;
        // What the receiver has to say beside its status does not matter: nothing waits for the rest.
        skim(response);
        resolve(status >= 200 && status < 300 ? undefined : `the receiver answered ${status}`);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        resolve((error.code ?? error.message).slice(0, ERROR_TEXT_MAX));
      });
      request.end(bytes);
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function skim(response: IncomingMessage): void {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) response.destroy();
  });
  response.on('error', () => undefined);
}
