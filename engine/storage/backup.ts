/** Placeholder with the shape that this branch compiles against. */
export function backupDirectory(options: {
  readonly from: string;
  readonly to: string;
  readonly onProgress?: (progress: { phase: string; done: number; total: number }) => void;
}): Promise<{ readonly files: readonly { readonly path: string; readonly bytes: number }[] }> {
  return Promise.reject(new Error(`no backup here yet for ${options.from}`));
}
