/** The commands of protocol/registry-bodies.ts, decided by a partition. */
import type { Checked } from '../../protocol/body-fields.ts';
import { parseId } from '../../protocol/ids.ts';
import {
  parseRegistryBody,
  type RegistryBodies,
  type RegistryCommand,
  type RegistryReply,
  type StoredFreeze,
} from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { type Entities, wordsOf } from '../entity/entities.ts';
import { NO_HOLD } from '../ledger/holds.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Orders } from '../order/orders.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Payments } from '../payment/payments.ts';
import { whyHidden } from '../query/accounts.ts';
import type { Registry } from './registry.ts';

interface RegistryState {
  readonly ledger: Ledger;
  readonly entities: Entities;
  readonly registry: Registry;
  readonly payments: Payments;
  readonly outbox: Outbox;
  readonly orders: Orders;
}

type Decide<C extends RegistryCommand> = (
  state: RegistryState,
  institution: number,
  body: RegistryBodies[C],
) => RegistryReply;

const DECISIONS: { readonly [C in RegistryCommand]: Decide<C> } = {
  putRiskList: ({ registry }, institution, body) => ({ code: registry.lists.put(institution, body) }),
  getRiskList: ({ registry }, _institution, { name, cursor, limit }) => {
    if (name === undefined) return { code: Code.ok, lists: registry.lists.summaries() };
    const page = registry.lists.page(name, cursor, limit);
    return page === undefined ? { code: Code.riskListNotFound } : { code: Code.ok, ...page };
  },
  putRiskExemption: ({ registry }, institution, body) => ({ code: registry.exemptions.put(institution, body) }),
  readAccountRisk: ({ ledger, entities, registry }, institution, { accountId }) => {
    const account = entities.accountOf(accountId);
    const code = whyHidden(ledger, account, institution);
    if (code !== Code.ok) return { code };
    const freezes = registry.freezes.of(account).map((freeze) => withBlocked(ledger, freeze));
    return { code, exemptions: registry.exemptions.of(account), freezes };
  },
  putFreeze: ({ registry }, institution, body) => registry.freezes.put(institution, body),
  endFreeze: ({ registry }, institution, body) => registry.freezes.end(institution, body),
  openCase: ({ registry, payments }, institution, { paymentId, rules }) => {
    const id = wordsOf(parseId(paymentId) ?? 0n);
    const lsn = payments.find(id, 0);
    const version = lsn === 0 ? undefined : payments.versions.read(lsn);
    if (version === undefined || !payments.mayOperate(version, institution)) return { code: Code.paymentNotFound };
    const isOpen = registry.cases.open(version.getUint32(8, true), paymentId, rules);
    return isOpen ? registry.cases.read(institution, paymentId) : { code: Code.riskRegistryFull };
  },
  changeCase: ({ registry }, institution, body) => registry.cases.change(institution, body),
  readCases: ({ registry }, institution, { paymentId, cursor, limit }) =>
    paymentId === undefined
      ? { code: Code.ok, ...registry.cases.page(institution, cursor, limit) }
      : registry.cases.read(institution, paymentId),
  putOutbox: ({ outbox }, institution, body) => outbox.put(institution, body),
  changeOutbox: ({ outbox }, institution, body) => outbox.change(institution, body),
  removeOutbox: ({ outbox }, institution, body) => outbox.remove(institution, body),
  listOutbox: ({ outbox }, institution, body) => outbox.list(institution, body),
  putOrder: ({ orders }, institution, body) => orders.put(institution, body),
  readOrder: ({ orders }, _institution, { id }) => orders.read(id),
  changeOrder: ({ orders }, institution, body) => orders.change(institution, body),
  putCounters: ({ orders }, institution, body) => orders.putCounters(institution, body),
  getCounters: ({ orders }, institution, { handle }) => orders.getCounters(institution, handle),
  // Taken apart in front of the router: order/order-gate.ts.
  payOrder: () => ({ code: Code.unknownKind }),
  refundOrder: () => ({ code: Code.unknownKind }),
  payCounter: () => ({ code: Code.unknownKind }),
};

/** What an open freeze of received money blocks: the pending transfer has its id. */
function withBlocked({ holds }: Ledger, freeze: StoredFreeze): StoredFreeze {
  if (freeze.kind !== 'received' || freeze.state !== 'open') return freeze;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = wordsOf(parseId(freeze.id) ?? 0n);
  const hold = holds.find(w0, w1, w2, w3);
  return { ...freeze, blocked: hold === NO_HOLD ? 0 : (holds.remaining[hold] as number) };
}

export function registryCommand<C extends RegistryCommand>(
  state: RegistryState,
  command: C,
  institution: number,
  value: unknown,
): RegistryReply {
  const parsed: Checked<RegistryBodies[C]> = parseRegistryBody(command, value);
  return parsed.ok ? DECISIONS[command](state, institution, parsed.value) : { code: Code.malformedBody };
}
