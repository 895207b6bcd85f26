import type { Terminal } from '../../engine/cli/terminal.ts';
export async function runMicro(_: Pick<Terminal, 'output' | 'errors'>): Promise<void> {}
