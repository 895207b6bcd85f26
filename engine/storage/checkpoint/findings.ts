/** Damage as data: what is wrong, and where. */
import { PageKind, StorageDamageError } from '../index/page.ts';

export type Finding =
  | {
      readonly where: 'checkpoint';
      readonly checkpointLsn: number;
      /** Name of a state section, or `manifest`. */
      readonly section: string;
      /** Number of the damaged chunk, where it is one. */
      readonly chunk?: number;
      readonly problem: string;
    }
  | {
      readonly where: 'index';
      readonly checkpointLsn: number;
      readonly index: string;
      readonly segment: number;
      readonly part: SegmentPart;
      readonly page: number;
      readonly problem: string;
    };

type SegmentPart = 'entries' | 'filter' | 'fences';

const PARTS: Readonly<Record<PageKind, SegmentPart>> = {
  [PageKind.entries]: 'entries',
  [PageKind.filter]: 'filter',
  [PageKind.fences]: 'fences',
};

/** A damage met while reading a segment, as a finding. Other errors are thrown again. */
export function indexFinding(error: unknown, checkpointLsn: number, index: string): Finding {
  if (!(error instanceof StorageDamageError)) throw error;
  const { segment, kind, page, problem } = error;
  return { where: 'index', checkpointLsn, index, segment, part: PARTS[kind], page, problem };
}
