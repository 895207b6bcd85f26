/** The id under which the risk rules know a device, an address or a card: a hash, so that what it is called is kept nowhere. */
import { deriveId, type Id } from '../../protocol/ids.ts';

export function subjectId(kind: string, text: string): Id {
  return deriveId('subject', kind, text);
}
