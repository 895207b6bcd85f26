/** Placeholder with the shape that this branch compiles against. */
import type { Finding } from './verify-journal.ts';

export interface VerifyReport {
  readonly partitions: number;
  readonly batches: number;
  readonly events: number;
  readonly findings: readonly Finding[];
}

export function verifyDirectory(options: {
  readonly directory: string;
  readonly onProgress?: (progress: { phase: string; done: number; total: number }) => void;
}): Promise<VerifyReport> {
  return Promise.reject(new Error(`no verify here yet for ${options.directory}`));
}
