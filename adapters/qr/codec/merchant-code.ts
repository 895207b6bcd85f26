/** What a merchant-presented code says. */
import type { QrWarning } from './findings.ts';
import { type LengthUnit, pathOf, type TlvNode } from './merchant-text.ts';
import type { MerchantProfileName } from './profiles.ts';

/** What is paid beside the amount (fields 55 to 57). */
export type Tip =
  /** The payer is asked for one. */
  | { readonly kind: 'prompt' }
  | { readonly kind: 'fixed'; readonly amount: string; readonly amountMinor: number }
  /** Of the amount; 100 basis points are 1 %. */
  | { readonly kind: 'percentage'; readonly percent: string; readonly basisPoints: number };

export interface MerchantCode {
  readonly kind: 'merchant';
  readonly profile: MerchantProfileName;
  /** Field 01: a code that is used again and again, or one for a single payment. */
  readonly pointOfInitiation: 'static' | 'dynamic' | null;
  /** Field 54 as written; null: the payer says how much. "0" under some profiles means the same. */
  readonly amount: string | null;
  readonly amountMinor: number | null;
  /** ISO 4217 number, three digits. */
  readonly currency: string;
  readonly country: string | null;
  readonly merchantName: string | null;
  readonly merchantCity: string | null;
  readonly postalCode: string | null;
  /** ISO 18245. */
  readonly mcc: string | null;
  readonly tip: Tip | null;
  /** As written. */
  readonly crc: string;
  /** Id of the account template by which the scheme was recognised. */
  readonly account: string | null;
  readonly warnings: readonly QrWarning[];
  readonly text: string;
  /** What its lengths count. */
  readonly lengthUnit: LengthUnit;
  /** All fields in the order of the text. */
  readonly nodes: readonly TlvNode[];
}

/** A field by itself: what is written, and what is shown. */
export interface QrField {
  /** Two digits. */
  readonly id: string;
  /** Text, or the fields of a template. */
  readonly value: string | readonly QrField[];
}

/** The fields of a code in the order of its text. */
export function fieldsOf(code: MerchantCode): readonly QrField[] {
  return fieldsOfNodes(code.text, code.nodes);
}

function fieldsOfNodes(text: string, nodes: readonly TlvNode[]): readonly QrField[] {
  return nodes.map(({ id, from, to, parts }) => ({
    id: pathOf('', id),
    value: parts === undefined ? text.slice(from, to) : fieldsOfNodes(text, parts),
  }));
}

/** The value at a path as `26.02`; of a template the text of its fields. Undefined when it is not there. */
export function valueAt(code: MerchantCode, path: string): string | undefined {
  let nodes: readonly TlvNode[] | undefined = code.nodes;
  let found: TlvNode | undefined;
  for (const id of path.split('.')) {
    found = nodes?.find((node) => node.id === Number(id));
    nodes = found?.parts;
  }
  return found === undefined ? undefined : code.text.slice(found.from, found.to);
}
