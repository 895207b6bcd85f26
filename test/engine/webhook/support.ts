/** A receiver of webhooks on a real socket that does as it is told. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { WebhookBody } from '../../../protocol/webhook.ts';

export interface Received {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: WebhookBody;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came, repeats included. */
  readonly received: Received[];
  /** How it answers the next ones; 200 at first. */
  answer: (response: ServerResponse, received: Received) => void;
}

const OK = (response: ServerResponse): unknown => response.writeHead(204).end();

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { headers } = request;
      const one = {
        id: String(headers['webhook-id']),
        headers,
        text,
        body: text === '' ? {} : JSON.parse(text),
      } as Received;
      received.push(one);
      receiver.answer(response, one);
    });
    request.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port: used } = server.address() as AddressInfo;
  const receiver: Receiver = { url: `http://127.0.0.1:${used}/hook`, port: used, received, answer: OK };
  return receiver;
}

export const positionsOf = (received: readonly Received[]): number[] =>
  received.flatMap(({ body }) => body.changes.map(({ position }) => position));
