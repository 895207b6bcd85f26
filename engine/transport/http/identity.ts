/** The id of what a POST creates: from the body, or from the Idempotency-Key header. */
import { deriveId, type Id, isClientId, parseId } from '../../../protocol/ids.ts';
import type { Caller } from './caller.ts';
import { type Problem, problem } from './outcome.ts';

const HEADER = 'Idempotency-Key';
const KEY = /^[\x21-\x7e]{1,255}$/;

/** The id of a single thing. A key that is a UUID or 32 hex digits is the id itself, any other is hashed to one. */
export function chooseId(caller: Caller, given: Id | undefined): Id | Problem {
  if (caller.idempotencyKey === '') return given ?? missing();
  const key = readKey(caller.idempotencyKey);
  if (key === undefined) return malformed();
  const id = parseId(key) ?? deriveId('idempotency-key', String(caller.institution), key);
  if (given !== undefined && given !== id) {
    return problem('malformedBody', { field: 'id', detail: `${HEADER} and id name different requests; give one` });
  }
  return checked(id);
}

/** The id of the thing at `index` of a list: its own, or one made from key and index. */
export function chooseIdInList(caller: Caller, given: Id | undefined, index: number): Id | Problem {
  if (given !== undefined) return given;
  if (caller.idempotencyKey === '') return missing(`${index}.id`);
  const key = readKey(caller.idempotencyKey);
  if (key === undefined) return malformed();
  return deriveId('idempotency-key', String(caller.institution), key, String(index));
}

/** The draft standard writes the key as a quoted string; most callers write it bare. */
function readKey(header: string): string | undefined {
  const bare = header.length > 2 && header.startsWith('"') && header.endsWith('"') ? header.slice(1, -1) : header;
  return KEY.test(bare) ? bare : undefined;
}

function checked(id: Id): Id | Problem {
  return isClientId(id) ? id : problem('idReserved', { field: HEADER });
}

function missing(field = HEADER): Problem {
  return problem('malformedBody', {
    field,
    detail: `give an ${HEADER} header or an id in the body, so that the request can be repeated safely`,
  });
}

function malformed(): Problem {
  return problem('malformedBody', { field: HEADER, detail: 'must be 1 to 255 visible ASCII characters' });
}
