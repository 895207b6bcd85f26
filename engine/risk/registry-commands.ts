/** The commands of protocol/registry-bodies.ts, decided by a partition. */
import type { Checked } from '../../protocol/body-fields.ts';
import {
  parseRegistryBody,
  type RegistryBodies,
  type RegistryCommand,
  type RegistryReply,
} from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import type { Entities } from '../entity/entities.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { whyHidden } from '../query/accounts.ts';
import type { Registry } from './registry.ts';

interface RegistryState {
  readonly ledger: Ledger;
  readonly entities: Entities;
  readonly registry: Registry;
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
    return code === Code.ok ? { code, exemptions: registry.exemptions.of(account) } : { code };
  },
};

export function registryCommand<C extends RegistryCommand>(
  state: RegistryState,
  command: C,
  institution: number,
  value: unknown,
): RegistryReply {
  const parsed: Checked<RegistryBodies[C]> = parseRegistryBody(command, value);
  return parsed.ok ? DECISIONS[command](state, institution, parsed.value) : { code: Code.malformedBody };
}
