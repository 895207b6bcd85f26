/** Which scheme a merchant-presented code belongs to: told by the identifiers in its account templates. */
import type { TlvNode } from './merchant-text.ts';
import {
  type AccountForm,
  MERCHANT_PROFILE_NAMES,
  MERCHANT_PROFILES,
  type MerchantProfileName,
  type SchemeProfile,
} from './profiles.ts';

export interface Detected {
  readonly profile: MerchantProfileName;
  /** The template, and what it matched; undefined for `emvco`, which is known by nothing. */
  readonly account: TlvNode | undefined;
  readonly form: AccountForm | undefined;
}

const NONE: Detected = { profile: 'emvco', account: undefined, form: undefined };

/** An account template with its identifier. */
interface Account {
  readonly node: TlvNode;
  readonly guid: TlvNode;
}

/** The first scheme in the order of the profiles that an account template belongs to. */
export function detectMerchant(text: string, nodes: readonly TlvNode[]): Detected {
  const accounts = accountsOf(nodes);
  for (const name of MERCHANT_PROFILE_NAMES) {
    const found = match(text, nodes, accounts, name);
    if (found !== undefined) return found;
  }
  return NONE;
}

/** The account template of one scheme. `emvco` needs none. */
export function matchProfile(text: string, nodes: readonly TlvNode[], name: MerchantProfileName): Detected | undefined {
  return name === 'emvco' ? NONE : match(text, nodes, accountsOf(nodes), name);
}

function accountsOf(nodes: readonly TlvNode[]): readonly Account[] {
  const accounts: Account[] = [];
  for (const node of nodes) {
    if (node.id < 26 || node.id > 51 || node.parts === undefined) continue;
    const guid = node.parts.find(({ id }) => id === 0);
    if (guid !== undefined) accounts.push({ node, guid });
  }
  return accounts;
}

function match(
  text: string,
  nodes: readonly TlvNode[],
  accounts: readonly Account[],
  name: MerchantProfileName,
): Detected | undefined {
  const { accounts: forms }: SchemeProfile = MERCHANT_PROFILES[name];
  for (const form of forms) {
    for (const { node, guid } of accounts) {
      if (hasGuid(text, guid, form) && isCountry(text, nodes, form)) return { profile: name, account: node, form };
    }
  }
  return undefined;
}

function isCountry(text: string, nodes: readonly TlvNode[], { country }: AccountForm): boolean {
  if (country === undefined) return true;
  const node = nodes.find(({ id }) => id === 58);
  return node !== undefined && text.slice(node.from, node.to) === country;
}

/** Compared letter by letter, so that nothing is cut out and lower-cased. */
function hasGuid(text: string, { from, to }: TlvNode, { guid, match }: AccountForm): boolean {
  if (match === 'within') {
    return text.slice(from, to).includes(guid);
  }
  const length = to - from;
  if (match === 'start' ? length < guid.length : length !== guid.length) return false;
  for (let index = 0; index < guid.length; index++) {
    if (lowerCase(text.charCodeAt(from + index)) !== guid.charCodeAt(index)) return false;
  }
  return true;
}

function lowerCase(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit;
}
