/** Placeholder with the shape that this branch compiles against. */
export function runBench(argv: string[]): Promise<number> {
  return Promise.reject(new Error(`no benchmark here yet for ${argv.join(' ')}`));
}
