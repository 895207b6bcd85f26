/** The commands with MessagePack bodies: parties, tariffs, campaigns, risk rules. */
import type { RichReply } from '../../protocol/bodies.ts';
import type { CommandName } from '../../protocol/commands.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import {
  parseActivateRulesBody,
  parseCampaignBody,
  parseExplainPaymentBody,
  parseGetPartyBody,
  parseListPartiesBody,
  parsePartyBody,
  parseTariffBody,
} from '../../protocol/parse-bodies.ts';
import { isRegistryCommand, type RegistryReply } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { registryCommand } from '../risk/registry-commands.ts';
import type { CommandState } from './dispatch.ts';

const MALFORMED: RichReply = { code: Code.malformedBody };

/** Carries out a rich command. The body was checked to be MessagePack at the edge; here its fields are. */
export function richCommand(
  state: CommandState,
  name: CommandName,
  institution: number,
  body: Uint8Array,
): RichReply | RegistryReply {
  const value = decodeMessagePack(body);
  const { entities } = state;
  switch (name) {
    case 'putParty': {
      const parsed = parsePartyBody(value);
      return parsed.ok ? entities.putParty(institution, parsed.value) : MALFORMED;
    }
    case 'getParty': {
      const parsed = parseGetPartyBody(value);
      return parsed.ok ? entities.getParty(institution, parsed.value.handle) : MALFORMED;
    }
    case 'listParties': {
      const parsed = parseListPartiesBody(value);
      return parsed.ok ? listParties(state, institution, parsed.value.cursor, parsed.value.limit) : MALFORMED;
    }
    case 'putTariff': {
      const parsed = parseTariffBody(value);
      return parsed.ok ? { code: entities.putTariff(institution, parsed.value) } : MALFORMED;
    }
    case 'putCampaign': {
      const parsed = parseCampaignBody(value);
      return parsed.ok ? { code: entities.putCampaign(institution, parsed.value) } : MALFORMED;
    }
    case 'activateRules': {
      const parsed = parseActivateRulesBody(value);
      return parsed.ok ? state.ruleSets.activate(institution, parsed.value) : MALFORMED;
    }
    case 'explainPayment': {
      const parsed = parseExplainPaymentBody(value);
      return parsed.ok ? state.ruleSets.explain(state.payments, institution, parsed.value) : MALFORMED;
    }
    default:
      if (isRegistryCommand(name)) return registryCommand(state, name, institution, value);
      throw new Error(`${name} is not decided by a partition`);
  }
}

function listParties(state: CommandState, institution: number, cursor: number, limit: number): RichReply {
  const { entities } = state;
  if (cursor !== 0 && !entities.isPartyOf(institution, cursor)) return { code: Code.cursorInvalid };
  // Half of the reply's bound: what one more party takes is never more than the other half.
  const bytesMax = LIMITS.richBodyBytesMax / 2;
  return { code: Code.ok, ...entities.listParties(institution, cursor, { limit, bytesMax }) };
}
