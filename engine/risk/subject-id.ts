/** The id under which the risk rules know a device, an address or a card: a hash, so that what it is called is kept nowhere. */
import { deriveId, type Id, parseId } from '../../protocol/ids.ts';

export function subjectId(kind: string, text: string): Id {
  return deriveId('subject', kind, text);
}

/** A member of a list as a person names it: an id, or `device:…`, `ip:…` or `card:…`. */
export function readMember(text: string): Id | undefined {
  const [, kind, name] = /^(device|ip|card):(.{1,256})$/su.exec(text) ?? [];
  return kind === undefined || name === undefined ? parseId(text) : subjectId(kind, name);
}
