/** Placeholder with the shape that this branch compiles against. */
export function restoreDirectory(options: {
  readonly from: string;
  readonly to: string;
  readonly onProgress?: (progress: { phase: string; done: number; total: number }) => void;
}): Promise<void> {
  return Promise.reject(new Error(`no restore here yet for ${options.from}`));
}
