/** Placeholder with the shape that this branch compiles against. */
import type { Config } from './config/options.ts';

export interface RunningSwitch {
  readonly host: string;
  readonly port: number;
  /** Resolves when the switch cannot go on (a journal failed). */
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export function startSwitch(config: Config): Promise<RunningSwitch> {
  return Promise.reject(new Error(`no switch here yet for ${config.dataDir}`));
}
