import { describe, expect, it } from 'vitest';
import { AccountNames, Caller } from '../../../../engine/transport/http/caller.ts';
import { chooseId, chooseIdInList } from '../../../../engine/transport/http/identity.ts';
import { deriveId, partyAccountId } from '../../../../protocol/ids.ts';
import { FakeChanges } from './fake-changes.ts';
import { FakeGateway } from './fake-gateway.ts';

const caller = (institution: number, key: string) =>
  new Caller({ gateway: new FakeGateway(), changes: new FakeChanges() }, new AccountNames(2), institution, 'en', key);

describe('the id of what a POST creates', () => {
  it('is of the institution whose key it is', () => {
    expect(chooseId(caller(2, 'order-1'), undefined)).toBe(deriveId('idempotency-key', '2', 'order-1'));
    expect(chooseId(caller(3, 'order-1'), undefined)).toBe(deriveId('idempotency-key', '3', 'order-1'));
  });

  it('is of its place in a list', () => {
    const ids = [0, 1].map((index) => chooseIdInList(caller(2, 'list'), undefined, index));
    expect(new Set([...ids, chooseId(caller(2, 'list'), undefined)]).size).toBe(3);
  });
});

describe('AccountNames', () => {
  it('gives the right account whatever it has forgotten', () => {
    const names = new AccountNames(2);
    for (const round of [1, 2, 3]) {
      for (const [institution, handle, ledger] of [
        [1, 'a', 156],
        [2, 'a', 156],
        [2, 'a', 840],
        [2, 'b', round],
      ] as const) {
        expect(names.resolve(institution, handle, ledger)).toBe(partyAccountId(institution, handle, ledger));
      }
    }
  });
});
