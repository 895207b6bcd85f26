import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signWebhook, verifyWebhook, type WebhookMessage } from '../../protocol/webhook.ts';

// The example of the Standard Webhooks specification and of its libraries' tests.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const AT = 1_614_265_330;
const BODY = '{"test": 2432232314}';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

const changes = '{"type":"changes","partition":0,"changes":[]}';
function message(body = changes, change: Record<string, string> = {}): WebhookMessage {
  const headers = {
    'webhook-id': ID,
    'webhook-timestamp': String(AT),
    'webhook-signature': signWebhook(SECRET, ID, AT, body),
  };
  return { headers: { ...headers, ...change }, body };
}
const verify = (given = message(), nowSeconds = AT, secret = SECRET) => verifyWebhook(given, { secret, nowSeconds });

describe('signatures of webhooks', () => {
  it('are those of Standard Webhooks', () => {
    expect(signWebhook(SECRET, ID, AT, BODY)).toBe(SIGNATURE);
    expect(signWebhook(SECRET.slice(6), ID, AT, BODY)).toBe(SIGNATURE);
  });

  it('are HMAC-SHA256 over any text, 中文 included', () => {
    const key = Buffer.from(SECRET.slice(6), 'base64');
    for (const body of ['', '{"name":"茶馆 ☕"}', 'x'.repeat(100_000)]) {
      const mac = createHmac('sha256', key).update(`${ID}.${AT}.${body}`).digest('base64');
      expect(signWebhook(SECRET, ID, AT, body)).toBe(`v1,${mac}`);
    }
  });

  it.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'whsec_%%%%'])('need a secret, not "%s"', (secret) => {
    expect(() => signWebhook(secret, ID, AT, BODY)).toThrow(RangeError);
  });
});

describe('verifying a webhook', () => {
  it('takes a message of the switch', () => {
    expect(verify()).toEqual({ ok: true, id: ID, body: { type: 'changes', partition: 0, changes: [] } });
  });

  it('takes headers in any case, as lists, and with several signatures', () => {
    const { headers, body } = message();
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [String(value)]]),
    );
    expect(verifyWebhook({ headers: upper, body }, { secret: SECRET, nowSeconds: AT }).ok).toBe(true);
    const signature = `v1,AAAA v2,xyz ${headers['webhook-signature']}`;
    expect(verify(message(changes, { 'webhook-signature': signature })).ok).toBe(true);
  });

  it.each([
    ['headerMissing', message(changes, { 'webhook-id': '' }), AT],
    ['headerMissing', { headers: {}, body: changes }, AT],
    ['timestampInvalid', message(changes, { 'webhook-timestamp': '1e9' }), AT],
    ['tooOld', message(), AT + 301],
    ['tooNew', message(), AT - 301],
    ['signatureWrong', { ...message(), body: `${changes} ` }, AT],
    ['signatureWrong', message(changes, { 'webhook-id': 'msg_other' }), AT],
    ['signatureWrong', message(changes, { 'webhook-timestamp': String(AT + 1) }), AT],
    ['signatureWrong', message(changes, { 'webhook-signature': SIGNATURE.slice(3) }), AT],
    ['bodyInvalid', message('[1]'), AT],
    ['bodyInvalid', message('{'), AT],
  ])('says %s', (problem, given, now) => {
    expect(verify(given, now)).toEqual({ ok: false, problem });
  });

  it('refuses the signature of another secret', () => {
    expect(verify(message(), AT, `whsec_${Buffer.alloc(32, 7).toString('base64')}`)).toMatchObject({
      problem: 'signatureWrong',
    });
  });

  it('takes what is just within the window', () => {
    expect(verify(message(), AT + 300).ok).toBe(true);
    expect(verify(message(), AT - 300).ok).toBe(true);
  });
});
