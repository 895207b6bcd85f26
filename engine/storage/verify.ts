/** Placeholder with the shape that this branch compiles against. */
export interface VerifyReport {
  readonly partitions: number;
  readonly batches: number;
  readonly events: number;
  readonly findings: readonly { readonly partition?: number; readonly where: string; readonly problem: string }[];
}

export function verifyDirectory(options: {
  readonly directory: string;
  readonly onProgress?: (progress: { phase: string; done: number; total: number }) => void;
}): Promise<VerifyReport> {
  return Promise.reject(new Error(`no verify here yet for ${options.directory}`));
}
