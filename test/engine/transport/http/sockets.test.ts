import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatId, partyAccountId } from '../../../../protocol/ids.ts';
import { type Harness, KEY, startHttp } from './harness.ts';

let http: Harness;
beforeAll(async () => {
  http = await startHttp({ bufferedBytesMax: 4_000_000 });
});
afterAll(() => http.close());

const ID = '0190a5e0c0de7000800000000000c33e';
const sale = JSON.stringify({ id: ID, from: 'alice', to: 'bob', amount: '1', currency: 'CNY' });
const head = (length: number | string, more = '') =>
  `POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n${
    typeof length === 'number' ? `Content-Length: ${length}` : length
  }\r\n${more}\r\n`;
const idle = () => expect.poll(() => http.edge.inFlight()).toBe(0);

describe('bodies', () => {
  it('are put together from pieces', async () => {
    const received = await new Promise<string>((resolve) => {
      const socket = connect(http.port, '127.0.0.1');
      socket.setNoDelay(true);
      const pieces = [head(sale.length), ...sale];
      const write = () => {
        const piece = pieces.shift();
        if (piece !== undefined) socket.write(piece, () => setImmediate(write));
      };
      socket.on('data', (chunk) => {
        socket.destroy();
        resolve(chunk.toString());
      });
      write();
    });
    expect(received).toContain('payerAccountNotFound');
    await idle();
  });

  it('may be chunked', async () => {
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const bytes = head('Transfer-Encoding: chunked') + chunk(sale.slice(0, 9)) + chunk(sale.slice(9)) + chunk('');
    expect(await http.raw(bytes, 'payerAccountNotFound')).toContain('HTTP/1.1 422');
  });

  it('are refused above 1 MiB, announced or not, and the connection is closed', async () => {
    const announced = await http.raw(head(1_048_577));
    expect(announced).toContain('HTTP/1.1 413');
    expect(announced).toContain('frameTooLarge');
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    expect(await http.raw(head('Transfer-Encoding: chunked') + chunk.repeat(17))).toContain('frameTooLarge');
    await idle();
  });

  it('of exactly 1 MiB are read', async () => {
    const body = sale + ' '.repeat(1_048_576 - sale.length);
    const reply = await http.send('POST', '/v1/payments', body);
    expect(reply.body.name).toBe('payerAccountNotFound');
  });

  it('that only begin cost a bounded amount of memory over all connections', async () => {
    const half = head(1_048_576) + ' '.repeat(900_000);
    const sockets = Array.from({ length: 8 }, () => connect(http.port, '127.0.0.1'));
    const answers: string[] = [];
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => answers.push(chunk.toString()));
      socket.write(half);
    }
    await expect.poll(() => answers.length, { timeout: 5000 }).toBeGreaterThanOrEqual(3);
    for (const answer of answers) expect(answer).toContain('HTTP/1.1 503');
    for (const socket of sockets) socket.destroy();
    await idle();
    const body = sale + ' '.repeat(1_000_000);
    const statuses = await Promise.all([1, 2, 3].map(() => http.send('POST', '/v1/payments', body)));
    expect(statuses.map(({ status }) => status)).toEqual([422, 422, 422]);
  });
});

describe('a client that goes away', () => {
  it('while it sends, leaves nothing behind', async () => {
    for (const bytes of [
      head(100),
      head(100) + sale.slice(0, 10),
      'POST /v1/pay',
      head('Transfer-Encoding: chunked'),
    ]) {
      const socket = connect(http.port, '127.0.0.1', () => socket.write(bytes, () => socket.resetAndDestroy()));
      await new Promise((resolve) => socket.on('close', resolve));
    }
    await idle();
    expect((await http.send('GET', '/v1/parties')).status).toBe(200);
  });

  it('while it waits, is not answered, and nobody else feels it', async () => {
    const statuses: number[] = [];
    const held = await startHttp({ onAnswered: (_method, _path, status) => statuses.push(status) });
    held.gateway.held = [];
    for (let i = 0; i < 10; i++) {
      const socket = connect(held.port, '127.0.0.1', () => socket.write(head(sale.length) + sale));
      await expect.poll(() => held.gateway.held?.length).toBe(i + 1);
      socket.resetAndDestroy();
    }
    await expect.poll(() => held.edge.inFlight()).toBe(0);
    held.gateway.release();
    expect((await held.send('GET', '/v1/parties')).status).toBe(200);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 0), 200]);
    expect(held.errors).toEqual([]);
    held.close();
  });
});

describe('large answers', () => {
  const list = Array.from({ length: 8000 }, (_, i) => ({
    id: (0x5000 + i).toString(16).padStart(32, '0'),
    debitAccount: 'a',
    creditAccount: 'b',
    amount: 1,
    currency: 'CNY',
    code: 1,
  }));

  it('arrive whole, also at a reader who takes his time, while others are served', async () => {
    const body = JSON.stringify(list);
    const chunks: Buffer[] = [];
    const whole = new Promise<string>((resolve, reject) => {
      const socket = connect(http.port, '127.0.0.1', () => {
        socket.pause();
        socket.write(head(body.length, 'Connection: close\r\n').replace('payments', 'transfers') + body);
      });
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        socket.pause();
        setImmediate(() => socket.resume());
        const text = Buffer.concat(chunks).toString();
        const length = Number(/Content-Length: (\d+)/i.exec(text)?.[1]);
        const start = text.indexOf('\r\n\r\n') + 4;
        if (text.length - start >= length) {
          socket.destroy();
          resolve(text.slice(start));
        }
      });
      // Reads nothing until somebody else was served.
      http.send('GET', '/v1/parties').then(() => socket.resume(), reject);
    });
    const answer = JSON.parse(await whole);
    expect(answer.results.length).toBe(8000);
    expect(answer.results[7999].id).toBe(list[7999]?.id);
    await idle();
  });

  it('of a reader who leaves in the middle leave nothing behind', async () => {
    const body = JSON.stringify(list);
    const socket = connect(http.port, '127.0.0.1', () => {
      socket.write(head(body.length).replace('payments', 'transfers') + body);
    });
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await idle();
    expect((await http.send('GET', '/v1/parties')).status).toBe(200);
  });
});

describe('connections', () => {
  it('carry several requests, one after the other', async () => {
    const get = `GET /v1/parties HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`;
    const bytes = head(sale.length) + sale + get;
    expect(await http.raw(bytes, '"parties"')).toContain('payerAccountNotFound');
  });

  it('answer HEAD like GET without a body', async () => {
    const account = formatId(partyAccountId(2, 'alice', 156));
    await http.send('POST', '/v1/accounts', { id: account, currency: 'CNY', code: 1 });
    const get = await http.send('GET', `/v1/accounts/${account}`);
    const reply = await http.send('HEAD', `/v1/accounts/${account}`);
    expect(reply.status).toBe(200);
    expect(reply.body).toBe('');
    expect(reply.headers.get('content-length')).toBe(String(JSON.stringify(get.body).length));
    expect((await http.send('HEAD', '/nowhere')).status).toBe(404);
  });
});
